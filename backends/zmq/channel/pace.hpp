#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include "rankwire/backend/wait.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// When a program that does not wait is due for a look at what has come, and how a wait begins.
class Pace {
 public:
  /// A message of so many bytes is sent. Whether a look is due: a rank that only sends must see an
  /// abort or a loss some time, and that its bytes have come, whose memory then serves for the next
  /// ones.
  [[nodiscard]] bool note_send(std::size_t bytes) {
    unseen_bytes_ += bytes;
    return ++unseen_sends_ >= unseen_sends_max || unseen_bytes_ >= unseen_bytes_max;
  }
  /// Whether a look is due in a receive, whatever it finds.
  [[nodiscard]] bool is_look_due() { return look_timer_.due(); }
  /// There was a look.
  void looked() {
    unseen_sends_ = 0;
    unseen_bytes_ = 0;
    look_timer_.looked();
  }

  /// Whether timers are not looked at yet, since there is more to take in; but not often in a row.
  [[nodiscard]] bool puts_timers_off(bool more) {
    constexpr int times_max = 10;
    timers_put_off_ = more ? timers_put_off_ + 1 : 0;
    if (timers_put_off_ > times_max) timers_put_off_ = 0;
    return timers_put_off_ > 0;
  }

  /// How long a wait may yield its core before it sleeps (WaitPolicy).
  void set_yield(std::chrono::microseconds yield) { yield_ = yield; }
  /// How long the wait that begins now is to yield. Short waits are shorter still where the core
  /// does not fall asleep in them: then libzmq's thread, to which it is yielded, wakes up in a few
  /// microseconds instead of tens. (Two processes on two cores, 8 B one way: 25 us, asleep 55.) Not
  /// where the last wait was a long one: that would take time from the threads that copy what is
  /// waited for.
  [[nodiscard]] std::chrono::microseconds yield() const {
    constexpr int waits_for_yield = 3;
    return last_wait_ <= waits_for_yield * yield_ ? yield_ : yield_.zero();
  }
  /// A wait took so long; waits in vain count with the one that ends them.
  void waited(Deadline::Clock::duration time, bool in_vain) {
    last_wait_ = std::exchange(in_vain_, in_vain) ? last_wait_ + time : time;
  }

 private:
  static constexpr unsigned unseen_sends_max = 512;
  static constexpr std::size_t unseen_bytes_max = std::size_t{2} << 20;

  LookTimer look_timer_;
  unsigned unseen_sends_ = 0;     // since the last look
  std::size_t unseen_bytes_ = 0;  // the same, of payload
  int timers_put_off_ = 0;
  std::chrono::microseconds yield_{0};
  Deadline::Clock::duration last_wait_{};
  bool in_vain_ = false;  // the last wait
};

}  // namespace rankwire::zmq_wire
