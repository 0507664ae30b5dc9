#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "rankwire/channel.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// How many log lines about long waits a channel may still write.
struct LongWaits {
  /// A wait that has taken this long writes one line.
  static constexpr std::chrono::seconds say_after{5};
  int sends_left = 20;
  int receives_left = 1;
};

/// Says when a channel should look for news although its program never waits. A program that finds
/// a message in each receive would otherwise not hear of departures and aborts. Reads the clock
/// only in some calls.
class LookTimer {
 public:
  [[nodiscard]] bool due() {
    constexpr unsigned calls_per_clock = 16;
    constexpr std::chrono::milliseconds interval{20};
    if (++calls_ % calls_per_clock != 0) return false;
    const auto now = Deadline::Clock::now();
    if (now < next_) return false;
    next_ = now + interval;
    return !std::exchange(looked_, false);
  }
  /// To be called after a call that has waited: it has looked, so the next look that falls due is
  /// left out.
  void looked() { looked_ = true; }

 private:
  bool looked_ = false;
  unsigned calls_ = 0;
  Deadline::Clock::time_point next_{};
};

/// Writes the log line for a receive by rank `self` that has waited for long.
void say_long_receive(LongWaits& said, int self, const Wanted& wanted);
/// Writes the log line for a send that has waited for long. `what` completes "has waited 5 s for ".
void say_long_send(LongWaits& said, int self, const std::string& what);

/// The one loop in which the calls of a channel wait, on every transport. Every round checks for
/// signals, aborts and the deadline, whatever arrives meanwhile (clause 7). A backend gives the
/// parts of a round, each of which does a bounded amount of work:
///
///     void check();              throws Interrupted and Aborted
///     bool step(Deadline until); takes in some of what has come. If nothing has, it rests for a
///                                moment, but not past `until`. Returns whether anything had come.
///     void settle();             reports the credit it owes to senders that it may hold up
///                                (Windows)
///
/// Returns true when `done()` is true, false at the deadline. `done()` may throw. `say_long()` is
/// called once, when the wait has taken long.
///
/// After the deadline the loop goes on for up to `late` while each round finds more. So even a call
/// that polls finds what had come before.
template <class Backend, class Done, class SayLong>
bool wait_until(Backend& backend, Deadline deadline, const Done& done, const SayLong& say_long) {
  constexpr std::chrono::milliseconds late{10};
  // Reading the clock costs as much as a short round.
  constexpr unsigned rounds_per_look = 8;
  Deadline ends = Deadline::never();
  Deadline say_at = Deadline::never();
  bool says = true;
  for (unsigned round = 1;; ++round) {
    backend.check();
    const bool expired = deadline.expired();
    const bool found = backend.step(expired ? Deadline::poll() : deadline);
    if (done()) return true;
    if (expired) {
      if (!found) break;
      if (ends.is_never()) ends = late;
      if (ends.expired()) break;
    } else if (says && round % rounds_per_look == 0) {
      if (say_at.is_never()) say_at = LongWaits::say_after;
      if (say_at.expired()) {
        says = false;
        say_long();
      }
    }
  }
  backend.settle();
  return done();
}

}  // namespace rankwire
