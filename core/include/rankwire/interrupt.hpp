#pragma once

namespace rankwire {

/// Throws Interrupted when run() has caught SIGINT or SIGTERM. Every wait on a channel does so by
/// itself; a program that computes or sleeps for long calls it now and then. Costs one relaxed
/// load.
void check_interrupted();

}  // namespace rankwire
