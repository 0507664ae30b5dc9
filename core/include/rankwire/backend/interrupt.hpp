#pragma once

#include "rankwire/interrupt.hpp"  // check_interrupted: every wait calls it, at least each 100 ms

namespace rankwire {

/// From now on SIGINT and SIGTERM end this process through Interrupted instead of at once. A second
/// signal (see one_interrupt) ends it the ordinary way. In a process that is forked from this one,
/// the first signal does. Called by run().
void catch_interrupts();

/// Makes two signals behave in the usual way, whatever this process inherited. A write into a
/// closed pipe becomes an error instead of the end of this process; processes that it starts are
/// not affected. If SIGCHLD was ignored, child processes can be waited for again. Called by run().
void make_signals_usual();

}  // namespace rankwire
