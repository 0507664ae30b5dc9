#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>
#include <vector>

#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {

/// A numeric address of this or another machine, "127.0.0.1" or "fe80::1%eth0".
struct Address {
  std::string number;
  bool v6 = false;
  bool loopback = false;
  bool link_local = false;  ///< means something on one network segment only
  bool any = false;         ///< "0.0.0.0" or "::": every interface

  /// "tcp://127.0.0.1:5555", "tcp://[::1]:5555", as libzmq wants it; port "*": any free one.
  [[nodiscard]] std::string endpoint(const std::string& port) const;
};

/// A numeric address and port as the system's calls take them.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t length = 0;

  [[nodiscard]] int family() const { return bytes.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

/// Of "127.0.0.1" or "::1"; looks nothing up. Throws UsageError for a name.
[[nodiscard]] SocketAddress socket_address(const std::string& number, std::uint16_t port);
/// Of a numeric endpoint, or of a Unix socket.
[[nodiscard]] SocketAddress socket_address(const Endpoint& endpoint);

[[nodiscard]] Address address_of(const sockaddr& raw, socklen_t length);

/// The addresses of `host`, each once, in the order the system prefers. libzmq would resolve names
/// itself, but with IPv6 switched on to IPv6 addresses only. May wait for a name server, as long as
/// the system is set to. Throws UsageError naming a host that has none.
[[nodiscard]] std::vector<Address> resolve(const std::string& host);

/// The address of this machine on the way to `remote`: where others who reach `remote` may find us.
/// Throws TransportError when there is no way.
[[nodiscard]] Address local_address_towards(const Address& remote, std::uint16_t port);

/// Whether a socket of this machine can be bound to it.
[[nodiscard]] bool is_of_this_machine(const Address& address);

/// What stands for the address of a caller over ipc begins with this, and its process's id follows.
inline constexpr std::string_view ipc_peer_mark = "pid ";

/// Whether it leads to a Unix socket. Looks at nothing else of it.
[[nodiscard]] inline bool is_ipc(const std::string& endpoint) {
  return endpoint.starts_with("ipc://");
}

/// Whether the host of a numeric endpoint ("tcp://1.2.3.4:5") has the address that a connection
/// came from; "::ffff:1.2.3.4" is "1.2.3.4". False where either is no number. Over ipc, whether it
/// came from a process of this host.
[[nodiscard]] bool same_host(const std::string& endpoint, const std::string& peer_address);

/// "tcp://HOST:PORT" with the host that is to be told to others; an IPv6 address may be written
/// with or without brackets.
[[nodiscard]] std::string advertised(const std::string& host, std::uint16_t port);

/// The port at the end of an endpoint that libzmq has bound.
[[nodiscard]] std::uint16_t port_of(const std::string& endpoint);

}  // namespace rankwire::zmq_wire
