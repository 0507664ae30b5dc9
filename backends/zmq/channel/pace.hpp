#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include "rankwire/backend/wait.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Decides when a program that does not wait must look at what has come, and how a wait begins.
class Pace {
 public:
  /// Counts a message of `bytes` that is sent. Returns whether it is time to look at what has come.
  /// A rank that only sends must do this now and then. Otherwise it would not notice an abort or a
  /// loss, nor the acknowledgements that free the memory of what it has sent.
  [[nodiscard]] bool note_send(std::size_t bytes) {
    unseen_bytes_ += bytes;
    return ++unseen_sends_ >= unseen_sends_max || unseen_bytes_ >= unseen_bytes_max;
  }
  /// Whether a look is due in a receive, even if that finds a message.
  [[nodiscard]] bool is_look_due() { return look_timer_.due(); }
  /// A look was made.
  void looked() {
    unseen_sends_ = 0;
    unseen_bytes_ = 0;
    look_timer_.looked();
  }

  /// Whether to put off the look at timers, since there is more to take in. Not often in a row.
  [[nodiscard]] bool puts_timers_off(bool more) {
    constexpr int times_max = 10;
    timers_put_off_ = more ? timers_put_off_ + 1 : 0;
    if (timers_put_off_ > times_max) timers_put_off_ = 0;
    return timers_put_off_ > 0;
  }

  /// Sets how long a wait may yield its core before it sleeps (WaitPolicy).
  void set_yield(std::chrono::microseconds yield) { yield_ = yield; }
  /// How long the wait that begins now may yield. Yielding makes short waits shorter still, because
  /// the core does not sleep: libzmq's thread, to which it is yielded, then wakes up in a few
  /// microseconds instead of tens. (Two processes on two cores, 8 B one way: 15 us over TCP, 18.5
  /// if they sleep at once; over a Unix socket 14 and 19.5.) Not after a long wait: yielding would
  /// then take time from the threads that copy what is waited for.
  [[nodiscard]] std::chrono::microseconds yield() const {
    constexpr int waits_for_yield = 3;
    return last_wait_ <= waits_for_yield * yield_ ? yield_ : yield_.zero();
  }
  /// A wait took `time`; `in_vain`: nothing came. The times of waits in vain are added to that of
  /// the wait that follows them, as if all of them were one wait.
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
  bool in_vain_ = false;  // whether the last wait was in vain
};

}  // namespace rankwire::zmq_wire
