#include "rankwire/backend/host.hpp"

#include <unistd.h>

#include <array>

namespace rankwire {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown-host";
  return name.data();
}

int process_id() {
  return static_cast<int>(getpid());
}

}  // namespace rankwire
