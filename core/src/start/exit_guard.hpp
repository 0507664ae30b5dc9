#pragma once

namespace rankwire {

// The guard against a silent early end. A rank ends by returning from its function. But a program
// may call exit(0) or quick_exit before, or its only rank may end its thread by pthread_exit: the
// process would exit with 0, although its work is not done. While the guard is on, such an end
// writes a line, and exits with the code of a rank that left without doing its part. Exit codes
// other than 0 stay. _exit cannot be guarded: it calls nobody.

/// Switches the guard on, in this process but not in those that it forks.
void guard_exit();
/// Switches the guard off: all ranks have ended in the ordinary way.
void end_guard();
/// Says which rank the calling thread is, for the line.
void guard_rank(int rank);

}  // namespace rankwire
