#include "private_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "rankwire/errors.hpp"

namespace launcher {
namespace {

/// So that the path of a socket in it is one that the system takes.
constexpr std::size_t parent_bytes_max = 60;

/// Empty: not there.
std::string make_in(const std::string& parent) {
  std::string path = parent + "/rankwire-XXXXXX";
  return mkdtemp(path.data()) == nullptr ? std::string{} : path;
}

}  // namespace

PrivateFolder::PrivateFolder() {
  const char* const of_session = std::getenv("XDG_RUNTIME_DIR");
  const std::string first = of_session == nullptr ? "" : of_session;
  // It may be left from another user's session, as after su.
  if (first.starts_with('/') && first.size() <= parent_bytes_max) path_ = make_in(first);
  if (path_.empty()) path_ = make_in("/tmp");
  if (path_.empty()) {
    throw rankwire::TransportError{fmt::format(
        "no folder for the ranks' sockets in /tmp: {}; use --over tcp", std::strerror(errno))};
  }
}

PrivateFolder::~PrivateFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace launcher
