#pragma once

#include <fmt/format.h>

#include <string>

#include "../support/folder.hpp"

namespace conformance {

/// An endpoint over ipc, in a folder of this process's own. One thread at a time.
inline std::string free_ipc_endpoint() {
  static const Folder folder;
  static int given = 0;
  return fmt::format("ipc://{}/{}", folder.path(), given++);
}

}  // namespace conformance
