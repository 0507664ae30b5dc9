#pragma once

#include "rankwire/interrupt.hpp"  // check_interrupted: every wait calls it, at least each 100 ms

namespace rankwire {

/// Makes SIGINT and SIGTERM end this process through Interrupted instead of at once; a second one
/// (see one_interrupt) ends it the ordinary way. Called by run().
void catch_interrupts();

}  // namespace rankwire
