#pragma once

namespace rankwire {

// A rank ends by returning from its function. A program that calls exit(0) meanwhile, or
// quick_exit, or whose only rank ends its thread by pthread_exit, would end with 0 although nothing
// was done to the end: while the guard is on, such an end of the process has a line and the code of
// a rank that left without doing its part. Other codes than 0 stay. Nothing can be done about
// _exit, which asks nobody.

/// From now on, in this process and not in those that it forks.
void guard_exit();
/// All ranks have come to an end in the ordinary way.
void end_guard();
/// Which rank the calling thread is, for the line.
void guard_rank(int rank);

}  // namespace rankwire
