#pragma once

#include <chrono>

namespace rankwire {

/// The same signal again within this time is the same wish: timeout, service managers and shells
/// signal a process, and then its whole group.
inline constexpr std::chrono::milliseconds one_interrupt{200};

/// Throws Interrupted when run() has caught SIGINT or SIGTERM. Every wait on a channel does so by
/// itself; a program that computes or sleeps for long calls it now and then. Costs one relaxed
/// load.
void check_interrupted();

}  // namespace rankwire
