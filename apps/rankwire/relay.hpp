#pragma once

#include <string>

#include "outlet.hpp"

namespace launcher {

/// Passes what comes out of one pipe on to one of this process's streams, whole lines at a time, so
/// that the lines of several ranks do not mix. A line above `line_bytes_max` passes in parts.
class Relay {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;

  /// Takes `source` over; `target` must outlive it. With a `prefix` each line begins with it and
  /// ends, even the last; without one every byte passes as it is.
  Relay(int source, Outlet& target, std::string prefix);
  ~Relay() { close(); }
  Relay(Relay&& other) noexcept;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  Relay& operator=(Relay&&) = delete;

  /// -1 when there is nothing more to come.
  [[nodiscard]] int source() const { return source_; }
  /// Whether the target has room for more.
  [[nodiscard]] bool can_pass() const { return source_ >= 0 && !target_.is_full(); }
  [[nodiscard]] bool has_failed_target() const { return target_.has_failed(); }
  /// Passes on some of what is there, without waiting for more; false when nothing was. Closes the
  /// source at its end, and when the target takes nothing more: who writes there shall learn it.
  bool pass_on();
  /// Passes the last line on, which may have no end, and closes the source.
  void end();

 private:
  void pass_lines();
  void close();

  int source_;
  Outlet& target_;
  std::string prefix_;
  std::string pending_;   // the start of a line
  bool in_line_ = false;  // a part of the current line was passed on
};

}  // namespace launcher
