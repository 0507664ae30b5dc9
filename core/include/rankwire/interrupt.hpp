#pragma once

#include <chrono>

namespace rankwire {

/// The same signal again within this time is the same wish: timeout, service managers and shells
/// signal a process, and then its whole group.
inline constexpr std::chrono::milliseconds one_interrupt{200};

/// Makes SIGINT and SIGTERM end this process's waits through Interrupted, instead of the process at
/// once; a second one (see one_interrupt) ends it the ordinary way, and so does the first in a
/// process that is forked from this one. A signal that is ignored stays ignored. run() calls it; a
/// program that opens its world itself calls it where it wants that, and before it opens one.
void catch_interrupts();

/// Throws Interrupted when SIGINT or SIGTERM was caught. Every wait on a channel does so by itself;
/// a program that computes or sleeps for long calls it now and then. Costs one relaxed load.
void check_interrupted();

}  // namespace rankwire
