#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace conformance {

/// An endpoint on the loopback interface whose port was free a moment ago.
inline std::string free_endpoint() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(probe, generic, length) != 0 || getsockname(probe, generic, &length) != 0) {
    throw std::runtime_error{"no free port"};
  }
  ::close(probe);
  return fmt::format("tcp://127.0.0.1:{}", ntohs(address.sin_port));
}

}  // namespace conformance
