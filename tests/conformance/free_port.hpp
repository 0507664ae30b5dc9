#pragma once

#include <fmt/format.h>

#include <deque>
#include <string>

#include "../../apps/rankwire/port.hpp"

namespace conformance {

/// An endpoint on the loopback interface that is this process's until its end: nobody gets its port
/// by chance before its master listens there. One thread at a time.
inline std::string free_endpoint() {
  static std::deque<launcher::ReservedPort> kept;
  return fmt::format("tcp://127.0.0.1:{}", kept.emplace_back(0).number());
}

}  // namespace conformance
