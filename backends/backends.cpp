#include <array>

#include "rankwire/rankwire.hpp"

// The one list of backends, in the order of --help. A new one is a folder of this name, and its
// line. Where nobody says --transport, the first is taken, or else the last that is meant
// (Backend::is_meant).
#define RANKWIRE_BACKENDS(BACKEND) \
  BACKEND(inproc)                  \
  BACKEND(mpi)                     \
  BACKEND(zmq)

namespace rankwire {

#define DECLARE(name) extern const Backend name##_backend;
RANKWIRE_BACKENDS(DECLARE)

std::span<const Backend> backends() {
#define ITEM(name) name##_backend,
  static const std::array all{RANKWIRE_BACKENDS(ITEM)};
  return all;
}

}  // namespace rankwire
