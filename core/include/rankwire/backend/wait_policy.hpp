#pragma once

#include <chrono>

#include "rankwire/settings.hpp"

namespace rankwire {

/// How a blocked wait spends its time (clause 12): it spins, then yields its core, then sleeps. A
/// transport that can wake a waiter sleeps until woken. Others look again after 50 us, then after
/// twice as long each time, up to `sleep_max`.
struct WaitPolicy {
  std::chrono::nanoseconds spin{0};
  std::chrono::microseconds yield{0};
  std::chrono::microseconds sleep_max{1000};
};

/// The ranks of the world that share this host's cores.
struct Crowd {
  int ranks = 1;
  int cores = 1;
  bool woken = false;  ///< the transport can wake a rank that sleeps
  /// A thread of the transport brings what is waited for (zmq). It needs a core as well.
  bool served = false;
};

/// The policy that the settings ask for. What they leave open is filled in by what measured best
/// (docs/waiting.md).
[[nodiscard]] WaitPolicy wait_policy(const WaitSettings& said, const Crowd& crowd);

}  // namespace rankwire
