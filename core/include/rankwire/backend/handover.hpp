#pragma once

#include <atomic>
#include <cstdint>

namespace rankwire {

/// Decides whose thread is inside a channel: the program's, in a call, or the channel's own
/// (Progress), while the program is outside. The program goes first.
///
/// A call costs two stores and two loads. For a store and a load of two threads to be seen in
/// order, both would need a fence, which costs as much as a small message. So the channel's thread
/// pays for both sides, by the system call membarrier (an asymmetric fence, as in the C++ paper
/// P1202). Where the system does not have it, both pay.
class Handover {
 public:
  Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  /// The program begins a call. Waits for the channel's thread, which hurries. False: another of
  /// the program's threads is inside, and nothing has changed. (Two that enter in the same instant
  /// may both pass, except in debug builds.)
  [[nodiscard]] bool enter() noexcept {
    auto call = calls_.load(std::memory_order_acquire);
    if (is_inside(call)) [[unlikely]]
      return false;
#ifdef NDEBUG
    // An exchange costs 7 ns; a message of 8 B over MPI takes 200 ns with two of them. A call that
    // is refused must not write: the other call may have ended meanwhile, and nobody would reset
    // the mark.
    if (asymmetric_) [[likely]] {
      calls_.store(call + 1, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);  // the thread's membarrier does the rest
    } else {
      calls_.exchange(call + 1);
    }
#else
    if (!calls_.compare_exchange_strong(call, call + 1)) return false;
#endif
    if (taken_.load()) [[unlikely]]
      await_turn();
    return true;
  }
  void leave() noexcept {
    // Even in any case, also where two have passed and the other one has left.
    const auto left = (calls_.load(std::memory_order_relaxed) + 1) & ~std::uint64_t{1};
    if (asymmetric_) [[likely]] {
      calls_.store(left, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      calls_.exchange(left);
    }
    if (dozes_.load()) [[unlikely]]
      wake();
  }

  /// The channel's thread enters. False if the program is inside. One thread only.
  [[nodiscard]] bool try_take() noexcept;
  void give_back() noexcept;
  /// The channel's thread sleeps until the call `call` (see calls()) has ended, or until wake() if
  /// `ends` is true by then. A call that lasts so costs nothing but a wake-up at its end.
  void doze(std::uint64_t call, const std::atomic<bool>& ends) noexcept;
  void wake() noexcept;
  /// Whether the program waits for the channel's thread to give back. False in the program's own
  /// calls.
  [[nodiscard]] bool is_wanted() const noexcept {
    return taken_.load(std::memory_order_relaxed) &&
           is_inside(calls_.load(std::memory_order_relaxed));
  }

  /// Whether a call of the program is inside, or waits to be.
  [[nodiscard]] bool in_call() const noexcept {
    return is_inside(calls_.load());
  }
  /// Whether the channel's thread is inside, or looks whether it may be.
  [[nodiscard]] bool is_taken() const noexcept {
    return taken_.load(std::memory_order_acquire);
  }
  /// A number that changes when a call of the program begins, and when it ends. Odd while it is
  /// inside.
  [[nodiscard]] std::uint64_t calls() const noexcept {
    return calls_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] static bool is_inside(std::uint64_t call) noexcept {
    return call % 2 != 0;
  }
  void await_turn() const noexcept;

  const bool asymmetric_;
  std::atomic<bool> taken_{false};
  std::atomic<bool> dozes_{false};
  std::atomic<std::uint64_t> calls_{0};  // calls begun and ended: odd while one is inside
};

}  // namespace rankwire
