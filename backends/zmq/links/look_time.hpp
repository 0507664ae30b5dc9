#pragma once

#include <chrono>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// When a channel must look at things that have a deadline of their own: ranks out of reach, ways
/// that are closed, callers that wait. Never, while there are none.
class LookTime {
 public:
  /// Looks are `patience` times rarer than on a host of few ranks (busy_host.hpp).
  explicit LookTime(int patience) : interval_{patience * interval} {}

  /// There is something to look at from now on.
  void begin() {
    if (next_.is_never()) next_ = interval_;
  }
  /// A look is made. The next one is an interval later.
  void again() { next_ = interval_; }
  /// The look found nothing that needs another look.
  void end() { next_ = Deadline::never(); }
  [[nodiscard]] bool is_due() const { return !next_.is_never() && next_.expired(); }
  [[nodiscard]] Deadline next() const { return next_; }

 private:
  static constexpr std::chrono::milliseconds interval{50};
  std::chrono::milliseconds interval_;
  Deadline next_ = Deadline::never();
};

}  // namespace rankwire::zmq_wire
