#pragma once

#include <chrono>
#include <thread>

#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire {

/// Paces the waits of one channel: each spins, then yields, then sleeps (WaitPolicy). What was
/// waited in vain counts on in the next call, or a loop of short waits would never come to sleep:
/// call resume() when a wait begins, and begin_again() when something has come.
class Backoff {
 public:
  explicit Backoff(const WaitPolicy& policy) : policy_{policy} {}

  /// A wait begins; the time since the last one does not count.
  void resume() { last_ = {}; }
  /// Something has come: what follows may come soon.
  void begin_again() {
    last_ = {};
    waited_ = {};
  }
  /// For a transport that can wake a waiter: one short rest, spinning or yielding, over as soon as
  /// `changed()`. False once the policy's time for both is over: sleep then, until woken.
  template <class Changed>
  bool rest_awake(Changed&& changed) {
    if (policy_.spin + policy_.yield == Deadline::Clock::duration::zero()) return false;
    const auto now = Deadline::Clock::now();
    if (last_ != Deadline::Clock::time_point{}) waited_ += now - last_;
    last_ = now;
    if (waited_ >= policy_.spin + policy_.yield) return false;
    if (waited_ >= policy_.spin) {
      std::this_thread::yield();
      // Counted here: where others want the core, the wait may be over when it comes back.
      last_ = Deadline::Clock::now();
      waited_ += last_ - now;
      return true;
    }
    // A look at the clock costs more than some at a word of memory.
    constexpr int looks = 4;
    for (int i = 0; i < looks && !changed(); ++i) relax();
    return true;
  }

 private:
  /// Tells the core that it spins: the other thread of a core of two gets more of it.
  static void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  WaitPolicy policy_;
  Deadline::Clock::time_point last_{};
  Deadline::Clock::duration waited_{};
};

}  // namespace rankwire
