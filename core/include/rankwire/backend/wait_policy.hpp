#pragma once

#include <chrono>

#include "rankwire/settings.hpp"

namespace rankwire {

/// How a blocked wait spends its time (clause 12): first it spins, then yields its core, then
/// sleeps. A transport that can wake a waiter sleeps until woken; the others look again after
/// 50 us, doubling to `sleep_max`.
struct WaitPolicy {
  std::chrono::nanoseconds spin{0};
  std::chrono::microseconds yield{0};
  std::chrono::microseconds sleep_max{1000};
};

/// Who shares the cores of this host, as far as the world is concerned.
struct Crowd {
  int ranks = 1;
  int cores = 1;
  bool woken = false;  ///< the transport wakes who sleeps
  /// A thread of the transport's own brings what is waited for (zmq), and wants a core as well.
  bool served = false;
};

/// What the settings say; where they leave it open, what measured best (docs/waiting.md).
[[nodiscard]] WaitPolicy wait_policy(const WaitSettings& said, const Crowd& crowd);

}  // namespace rankwire
