#pragma once

#include <cstdint>
#include <string_view>

namespace rankwire::zmq_wire {

/// Limits the log lines of one kind of event, since strangers can repeat whatever is logged.
/// Further events are only counted.
class LogLimit {
 public:
  explicit LogLimit(std::uint64_t lines_max) : lines_max_{lines_max} {}

  /// Counts an event. Returns whether it may be logged.
  [[nodiscard]] bool admits() { return ++count_ <= lines_max_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// What the last line that may be logged says in addition.
  [[nodiscard]] std::string_view end() const {
    return count_ == lines_max_ ? "; more are only counted" : "";
  }

 private:
  std::uint64_t lines_max_;
  std::uint64_t count_ = 0;
};

}  // namespace rankwire::zmq_wire
