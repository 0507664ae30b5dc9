#pragma once

#include <fmt/format.h>

#include <deque>
#include <string>

#include "../../apps/rankwire/port.hpp"
#include "../support/folder.hpp"

namespace conformance {

/// An endpoint on the loopback interface that is this process's until its end: nobody gets its port
/// by chance before its master listens there. One thread at a time.
inline std::string free_endpoint() {
  static std::deque<launcher::ReservedPort> kept;
  return fmt::format("tcp://127.0.0.1:{}", kept.emplace_back(0).number());
}

/// The same over ipc: a path in a folder of this process's own.
inline std::string free_ipc_endpoint() {
  static const Folder folder;
  static int given = 0;
  return fmt::format("ipc://{}/{}", folder.path(), given++);
}

}  // namespace conformance
