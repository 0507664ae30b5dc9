#include "progress.hpp"

#include <dlfcn.h>

namespace rankwire::mpi {

/// Sets the flags of libevent's event_base_loop by the function that Open MPI itself calls for that
/// in MPI_Init and MPI_Finalize; it returns the flags from before. `ompi_info` lists no parameter
/// for them. Another MPI has no such function. An Open MPI with other flags than expected keeps
/// them.
void look_once_a_call() {
  constexpr int once = 1, nonblock = 2;
  using SetFlags = int (*)(int);
  const auto set = reinterpret_cast<SetFlags>(dlsym(RTLD_DEFAULT, "opal_progress_set_event_flag"));
  if (set == nullptr) return;
  const int before = set(once | nonblock);
  if (before != nonblock) set(before);
}

}  // namespace rankwire::mpi
