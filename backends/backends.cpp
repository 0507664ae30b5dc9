#include <array>

#include "rankwire/rankwire.hpp"

// The one list of backends. A new one adds its declaration and its line.

namespace rankwire {

extern const Backend inproc_backend;
#if RANKWIRE_WITH_MPI
extern const Backend mpi_backend;
#endif
#if RANKWIRE_WITH_ZMQ
extern const Backend zmq_backend;
#endif

std::span<const Backend> backends() {
  static const std::array built {
    inproc_backend,
#if RANKWIRE_WITH_MPI
        mpi_backend,
#endif
#if RANKWIRE_WITH_ZMQ
        zmq_backend,
#endif
  };
  return built;
}

}  // namespace rankwire
