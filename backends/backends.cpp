#include <array>

#include "rankwire/errors.hpp"
#include "rankwire/keys.hpp"
#include "rankwire/rankwire.hpp"

// The list of all backends. A new backend adds its declaration and its line here.

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

#if !RANKWIRE_WITH_ZMQ
KeyFiles create_keys(const std::string& /*directory*/, const std::string& /*name*/) {
  throw UsageError{
      "keys are for ZeroMQ, and this program was built without it: configure it with "
      "-DRANKWIRE_WITH_ZMQ=ON"};
}
#endif

}  // namespace rankwire
