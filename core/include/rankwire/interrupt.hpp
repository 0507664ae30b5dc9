#pragma once

#include <chrono>

namespace rankwire {

/// A second signal within this time counts as the first one. timeout, service managers and shells
/// signal a process and then its whole group.
inline constexpr std::chrono::milliseconds one_interrupt{200};

/// Throws Interrupted if run() has caught SIGINT or SIGTERM. Every wait on a channel does this by
/// itself. A program that computes or sleeps for long should call it now and then. Costs one
/// relaxed load.
void check_interrupted();

}  // namespace rankwire
