#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "rankwire/backend/mailbox.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// What a channel has said of waits that take long: a bounded number of lines.
struct LongWaits {
  /// Said once a wait, when it has taken so long.
  static constexpr std::chrono::seconds say_after{5};
  int sends_left = 20;
  int receives_left = 1;
};

/// A program that only takes what is there already does not wait, and must all the same hear of
/// what comes besides: says when it is time for a look. Costs a look at the clock now and then.
class LookTimer {
 public:
  [[nodiscard]] bool due() {
    constexpr unsigned calls_per_clock = 16;
    constexpr std::chrono::milliseconds each{20};
    if (++calls_ % calls_per_clock != 0) return false;
    const auto now = Deadline::Clock::now();
    if (now < next_) return false;
    next_ = now + each;
    return !std::exchange(looked_, false);
  }
  /// There was one, in a call that waited.
  void looked() { looked_ = true; }

 private:
  bool looked_ = false;
  unsigned calls_ = 0;
  Deadline::Clock::time_point next_{};
};

/// The line of the log for a receive that has waited for long: of rank `self` for `wanted`.
void say_long_receive(LongWaits& said, int self, const Wanted& wanted);
/// The same for a send; `what` completes "has waited 5 s for ".
void say_long_send(LongWaits& said, int self, const std::string& what);

/// The one loop in which calls of a channel wait, on every transport. In each round it looks for
/// signals and aborts, and at the deadline, whatever arrives meanwhile (clause 7); and what is to
/// be done in a round is bounded by the backend:
///
///     void check();              throws Interrupted, and Aborted
///     bool step(Deadline until); takes in some of what has come; where nothing has, rests for a
///                                moment, but not past `until`; says whether anything had come
///     void settle();             tells the credit that it owes (Windows), where it may hold up
///
/// Ends when `done()`, which may throw, or at the deadline: false. `say_long()` is called once a
/// wait that has taken long.
///
/// A deadline that has passed lets the loop go on for `late` while there is always more: what has
/// come before is then found even by a call that polls.
template <class Backend, class Done, class SayLong>
bool wait_until(Backend& backend, Deadline deadline, const Done& done, const SayLong& say_long) {
  constexpr std::chrono::milliseconds late{10};
  // A look at the clock costs as much as a short round.
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

/// A receive from `mailbox`, in which nothing is that `wanted` asks for, into `event`.
/// `take_more(event)` looks at what the backend holds besides, which is younger.
template <class Backend, class TakeMore, class SayLong>
void wait_for_event(Backend& backend, Mailbox& mailbox, const Wanted& wanted, Deadline deadline,
                    std::optional<Event>& event, const TakeMore& take_more,
                    const SayLong& say_long) {
  Mailbox::Waiting waiting{mailbox, wanted, event};
  wait_until(
      backend, deadline, [&] { return waiting.met() || take_more(event); }, say_long);
}

}  // namespace rankwire
