#include "port.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "rankwire/errors.hpp"

namespace launcher {

ReservedPort::ReservedPort(int wanted) : socket_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  if (socket_ < 0) {
    throw rankwire::TransportError{
        fmt::format("no socket to keep a port with: {}; raise ulimit -n", std::strerror(errno))};
  }
  const int on = 1;
  setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(wanted));
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_, generic, length) != 0 || getsockname(socket_, generic, &length) != 0) {
    const int error = errno;
    close(socket_);
    throw rankwire::UsageError{fmt::format(
        "cannot use port {} of 127.0.0.1: {}; give another --port, or none for any free one",
        wanted, std::strerror(error))};
  }
  number_ = ntohs(address.sin_port);
}

ReservedPort::~ReservedPort() {
  close(socket_);
}

}  // namespace launcher
