#include "rankwire/errors.hpp"
#include "rankwire/keys.hpp"

// create_keys in a build without this backend.

namespace rankwire {

KeyFiles create_keys(const std::string& /*directory*/, const std::string& /*name*/) {
  throw UsageError{
      "keys are for ZeroMQ, and this program was built without it: configure it with "
      "-DRANKWIRE_WITH_ZMQ=ON"};
}

}  // namespace rankwire
