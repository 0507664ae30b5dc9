#pragma once

#include "rankwire/interrupt.hpp"  // check_interrupted: every wait calls it, at least each 100 ms

namespace rankwire {

/// Makes a write into a closed pipe an error instead of the end of this process, and not of what it
/// starts, whoever ignored SIGPIPE before. Where whoever started this process ignored SIGCHLD, the
/// ends of what it starts can be waited for all the same. Called by run().
void make_signals_usual();

}  // namespace rankwire
