#include "reach/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

#include "rankwire/errors.hpp"
#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

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

void classify_v4(Address& address, const in_addr& bytes) {
  constexpr std::uint32_t link_local = 0xA9FE;  // 169.254.0.0/16
  const std::uint32_t number = ntohl(bytes.s_addr);
  address.loopback = number >> 24U == 127;
  address.link_local = number >> 16U == link_local;
  address.any = number == INADDR_ANY;
}

void classify_v6(Address& address, const in6_addr& bytes) {
  address.loopback = IN6_IS_ADDR_LOOPBACK(&bytes) != 0;
  address.link_local = IN6_IS_ADDR_LINKLOCAL(&bytes) != 0;
  address.any = IN6_IS_ADDR_UNSPECIFIED(&bytes) != 0;
}

/// An address of either kind in 16 bytes. An IPv4 address as IPv6 maps it.
std::optional<in6_addr> comparable(const std::string& number) {
  in6_addr v6{};
  if (inet_pton(AF_INET6, number.substr(0, number.find('%')).c_str(), &v6) == 1) return v6;
  if (inet_pton(AF_INET6, ("::ffff:" + number).c_str(), &v6) == 1) return v6;
  return std::nullopt;
}

}  // namespace

std::string Address::endpoint(const std::string& port) const {
  return v6 ? fmt::format("tcp://[{}]:{}", number, port) : fmt::format("tcp://{}:{}", number, port);
}

SocketAddress socket_address(const std::string& number, std::uint16_t port) {
  const Addresses list = look_up(number, fmt::format("{}", port), AI_NUMERICHOST | AI_NUMERICSERV);
  SocketAddress address;
  address.length = list->ai_addrlen;
  std::memcpy(&address.bytes, list->ai_addr, list->ai_addrlen);
  return address;
}

SocketAddress socket_address(const Endpoint& endpoint) {
  if (!endpoint.is_ipc()) return socket_address(endpoint.host, endpoint.port);
  SocketAddress address;
  auto& unix_socket = reinterpret_cast<sockaddr_un&>(address.bytes);
  if (endpoint.path.size() >= sizeof unix_socket.sun_path) {
    throw UsageError{
        fmt::format("the path {} has more than {} bytes", endpoint.path, ipc_path_bytes_max)};
  }
  unix_socket.sun_family = AF_UNIX;
  std::memcpy(unix_socket.sun_path, endpoint.path.c_str(), endpoint.path.size() + 1);
  address.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.path.size() + 1);
  return address;
}

Address address_of(const sockaddr& raw, socklen_t length) {
  std::array<char, NI_MAXHOST> number{};
  if (getnameinfo(&raw, length, number.data(), number.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    throw TransportError{"an address of this machine has no numeric form"};
  }
  Address address{.number = number.data(), .v6 = raw.sa_family == AF_INET6};
  if (address.v6) {
    classify_v6(address, reinterpret_cast<const sockaddr_in6&>(raw).sin6_addr);
  } else {
    classify_v4(address, reinterpret_cast<const sockaddr_in&>(raw).sin_addr);
  }
  return address;
}

std::vector<Address> resolve(const std::string& host) {
  std::vector<Address> found;
  const Addresses list = look_up(host, "0", 0);
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
    Address address = address_of(*entry->ai_addr, entry->ai_addrlen);
    const bool known = std::any_of(found.begin(), found.end(), [&](const Address& other) {
      return other.number == address.number;
    });
    if (!known) found.push_back(std::move(address));
  }
  if (found.empty()) throw UsageError{fmt::format("host '{}' has no IP address", host)};
  return found;
}

Address local_address_towards(const Address& remote, std::uint16_t port) {
  const SocketAddress target = socket_address(remote.number, port);
  // Connecting a datagram socket sends nothing. It makes the kernel choose the route.
  const Descriptor probe{socket(target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (!probe || connect(probe.get(), target.get(), target.length) != 0 ||
      getsockname(probe.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    throw TransportError{fmt::format("no route to {}: {}", remote.number, std::strerror(errno))};
  }
  return address_of(reinterpret_cast<const sockaddr&>(own), length);
}

bool is_of_this_machine(const Address& address) {
  // Asks the kernel instead of the list of interfaces: all of 127.0.0.0/8 is of this machine, but
  // only one address is listed.
  const SocketAddress wanted = socket_address(address.number, 0);
  const Descriptor probe{socket(wanted.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  return probe && bind(probe.get(), wanted.get(), wanted.length) == 0;
}

bool same_host(const std::string& endpoint, const std::string& peer_address) {
  std::optional<in6_addr> named;
  try {
    const Endpoint parsed = parse_endpoint(endpoint);
    if (parsed.is_ipc()) return peer_address.starts_with(ipc_peer_mark);
    named = comparable(parsed.host);
  } catch (const UsageError&) {
    return false;
  }
  const auto seen = comparable(peer_address);
  return named && seen && std::memcmp(&*named, &*seen, sizeof(in6_addr)) == 0;
}

std::string advertised(const std::string& host, std::uint16_t port) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return endpoint_text({bracketed ? host.substr(1, host.size() - 2) : host, port});
}

std::uint16_t port_of(const std::string& endpoint) {
  return parse_endpoint(endpoint).port;
}

}  // namespace rankwire::zmq_wire
