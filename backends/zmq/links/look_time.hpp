#pragma once

#include <chrono>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// When a channel is to look at what has a deadline of its own: at ranks out of reach, ways that
/// are closed, callers that wait. Never, while there is nothing like that.
class LookTime {
 public:
  /// There is something to look at from now on.
  void begin() {
    if (next_.is_never()) next_ = interval;
  }
  /// A look is made; the next one is an interval later.
  void again() { next_ = interval; }
  /// The look found nothing that needs another.
  void end() { next_ = Deadline::never(); }
  [[nodiscard]] bool is_due() const { return !next_.is_never() && next_.expired(); }
  [[nodiscard]] Deadline next() const { return next_; }

 private:
  static constexpr std::chrono::milliseconds interval{50};
  Deadline next_ = Deadline::never();
};

}  // namespace rankwire::zmq_wire
