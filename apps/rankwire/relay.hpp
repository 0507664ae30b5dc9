#pragma once

#include <string>

#include "outlet.hpp"

namespace launcher {

/// Passes what comes out of a pipe on to an Outlet. It passes whole lines, so that lines of several
/// ranks do not mix. A line above `line_bytes_max` is passed in parts.
class Relay {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;

  /// Takes over `source`. `target` must outlive this. With a `prefix`, each line begins with it,
  /// and even the last gets a line end. Without one, every byte passes as it is.
  Relay(int source, Outlet& target, std::string prefix);
  ~Relay() { close(); }
  Relay(Relay&& other) noexcept;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  Relay& operator=(Relay&&) = delete;

  /// The pipe. -1 when nothing more comes.
  [[nodiscard]] int source() const { return source_; }
  /// Whether the target has room for more.
  [[nodiscard]] bool can_pass() const { return source_ >= 0 && !target_.is_full(); }
  [[nodiscard]] bool has_failed_target() const { return target_.has_failed(); }
  /// Passes on some of what is there, without waiting. False if nothing was. Closes the source at
  /// its end, and also if the target takes nothing more, so that the writer notices.
  bool pass_on();
  /// Passes on the last line, even without a line end, and closes the source.
  void end();

 private:
  void pass_lines();
  void close();

  int source_;
  Outlet& target_;
  std::string prefix_;
  std::string pending_;   // the beginning of a line
  bool in_line_ = false;  // a part of the current line was passed on
};

}  // namespace launcher
