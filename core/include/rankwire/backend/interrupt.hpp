#pragma once

#include "rankwire/interrupt.hpp"  // check_interrupted: every wait calls it, at least each 100 ms

namespace rankwire {

/// Makes SIGINT and SIGTERM end this process through Interrupted instead of at once; a second one
/// (see one_interrupt) ends it the ordinary way, and so does the first in a process that is forked
/// from this one. Called by run().
void catch_interrupts();

/// Makes a write into a closed pipe an error instead of the end of the process. What this process
/// starts has the system's way again. Called by run().
void survive_closed_pipes();

}  // namespace rankwire
