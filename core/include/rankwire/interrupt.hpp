#pragma once

#include <chrono>

namespace rankwire {

/// A second signal within this time counts as the first one. timeout, service managers and shells
/// signal a process and then its whole group.
inline constexpr std::chrono::milliseconds one_interrupt{200};

/// From now on SIGINT and SIGTERM end the waits of this process through Interrupted, instead of the
/// process at once. A second signal (see one_interrupt) ends the process the ordinary way. In a
/// process that is forked from this one, the first signal does. A signal that is ignored stays
/// ignored. run() calls this; a program that opens its world itself may call it before it does.
void catch_interrupts();

/// Throws Interrupted if catch_interrupts() has caught SIGINT or SIGTERM. Every wait on a channel
/// does this by itself. A program that computes or sleeps for long should call it now and then.
/// Costs one relaxed load.
void check_interrupted();

}  // namespace rankwire
