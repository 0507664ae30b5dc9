#pragma once

#include "rankwire/interrupt.hpp"  // check_interrupted: every wait calls it, at least each 100 ms

namespace rankwire {

/// Makes two signals behave in the usual way, whatever this process inherited. A write into a
/// closed pipe becomes an error instead of the end of this process; processes that it starts are
/// not affected. If SIGCHLD was ignored, child processes can be waited for again. Called by run().
void make_signals_usual();

}  // namespace rankwire
