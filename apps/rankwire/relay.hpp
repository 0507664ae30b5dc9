#pragma once

#include <string>

namespace launcher {

/// Passes what comes out of one pipe on to one of this process's streams, whole lines at a time, so
/// that the lines of several ranks do not mix. A line above `line_bytes_max` passes in parts.
class Relay {
 public:
  static constexpr std::size_t line_bytes_max = std::size_t{64} * 1024;

  /// Takes `source` over. With a `prefix` each line begins with it and ends, even the last; without
  /// one every byte passes as it is.
  Relay(int source, int target, std::string prefix);
  ~Relay() { end(); }
  Relay(Relay&& other) noexcept;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  Relay& operator=(Relay&&) = delete;

  /// -1 when there is nothing more to come.
  [[nodiscard]] int source() const { return source_; }
  /// Passes on some of what is there, without waiting for more; false when nothing was. Closes the
  /// source at its end, and when the target takes nothing more: who writes there shall learn it.
  bool pass_on();

 private:
  void pass_lines();
  bool write_out(const std::string& text);
  void end();
  void close();

  int source_;
  int target_;
  std::string prefix_;
  std::string pending_;   // the start of a line
  bool in_line_ = false;  // a part of the current line was written
};

}  // namespace launcher
