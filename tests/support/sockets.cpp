#include "sockets.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace support {

sockaddr_in loopback(std::uint16_t port, const std::string& address) {
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &there.sin_addr);
  return there;
}

void hold_little(int socket) {
  constexpr int bytes = 64 << 10;
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

int bound_socket(const std::string& address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  hold_little(fd);
  const auto place = loopback(port, address);
  if (fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

std::uint16_t port_of(int socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  return ntohs(address.sin_port);
}

void close_socket(int& socket, bool by_reset) {
  if (socket < 0) return;
  const linger at_once{1, 0};
  if (by_reset) setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(std::exchange(socket, -1));
}

}  // namespace support
