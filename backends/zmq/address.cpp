#include "address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "rankwire/errors.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr int connect_timeout_ms = 1000;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// Closes a descriptor at the end of its scope.
struct Socket {
  explicit Socket(int descriptor) : fd{descriptor} {}
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd;
};

Addresses look_up(const std::string& host, const std::string& port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) {
    throw UsageError{fmt::format("host '{}' has no address: {}", host, gai_strerror(error))};
  }
  return Addresses{list};
}

bool is_loopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24U) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) != 0;
}

Address address_of(const sockaddr& raw, socklen_t length) {
  std::array<char, NI_MAXHOST> number{};
  if (getnameinfo(&raw, length, number.data(), number.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    throw TransportError{"an address of this machine has no numeric form"};
  }
  return {number.data(), raw.sa_family == AF_INET6, is_loopback(raw)};
}

}  // namespace

std::string Address::endpoint(const std::string& port) const {
  return v6 ? fmt::format("tcp://[{}]:{}", number, port) : fmt::format("tcp://{}:{}", number, port);
}

std::vector<Address> resolve(const std::string& host) {
  std::vector<Address> found;
  const Addresses list = look_up(host, "0", 0);
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    found.push_back(address_of(*entry->ai_addr, entry->ai_addrlen));
  }
  if (found.empty()) throw UsageError{fmt::format("host '{}' has no IP address", host)};
  return found;
}

Address local_address_towards(const Address& remote, std::uint16_t port) {
  const Addresses target =
      look_up(remote.number, fmt::format("{}", port), AI_NUMERICHOST | AI_NUMERICSERV);
  // Connecting a datagram socket sends nothing; it makes the kernel choose the route.
  const Socket probe{socket(target->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (probe.fd < 0 || connect(probe.fd, target->ai_addr, target->ai_addrlen) != 0 ||
      getsockname(probe.fd, reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    throw TransportError{fmt::format("no route to {}: {}", remote.number, std::strerror(errno))};
  }
  return address_of(reinterpret_cast<const sockaddr&>(own), length);
}

std::string try_connect(const Address& address, std::uint16_t port) {
  const Addresses target =
      look_up(address.number, fmt::format("{}", port), AI_NUMERICHOST | AI_NUMERICSERV);
  const Socket probe{socket(target->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (probe.fd < 0) return std::strerror(errno);
  if (connect(probe.fd, target->ai_addr, target->ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return std::strerror(errno);
  pollfd waiting{probe.fd, POLLOUT, 0};
  if (poll(&waiting, 1, connect_timeout_ms) <= 0) return "no answer";
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(probe.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  return error == 0 ? std::string{} : std::strerror(error);
}

}  // namespace rankwire::zmq_wire
