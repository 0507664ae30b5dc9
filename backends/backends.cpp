#include <array>

#include "rankwire/rankwire.hpp"

// The list of backends, in the order of --help. A new backend needs a folder of its name, and its
// line here. Without --transport, the last backend in this list is taken that is meant
// (Backend::is_meant), or else the first in the list.
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
