#include "mpi_progress.hpp"

#include <dlfcn.h>

namespace rankwire::mpi {

/// No parameter says it (MCA, MPI_T), so by the function by which MPI_Init and MPI_Finalize of Open
/// MPI do: its argument is the flags of libevent's event_base_loop, it gives those before. Another
/// MPI has no such function; an Open MPI that has other flags than we know keeps them.
void look_once_a_call() {
  constexpr int once = 1, nonblock = 2;
  using SetFlags = int (*)(int);
  const auto set = reinterpret_cast<SetFlags>(dlsym(RTLD_DEFAULT, "opal_progress_set_event_flag"));
  if (set == nullptr) return;
  const int before = set(once | nonblock);
  if (before != nonblock) set(before);
}

}  // namespace rankwire::mpi
