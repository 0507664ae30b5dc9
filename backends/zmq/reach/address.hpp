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
  bool link_local = false;  ///< valid on one network segment only
  bool any = false;         ///< "0.0.0.0" or "::": every interface

  /// The endpoint in libzmq's form: "tcp://127.0.0.1:5555", "tcp://[::1]:5555". Port "*" means any
  /// free one.
  [[nodiscard]] std::string endpoint(const std::string& port) const;
};

/// A numeric address and port in the form of the system's calls.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t length = 0;

  [[nodiscard]] int family() const { return bytes.ss_family; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

/// The SocketAddress of "127.0.0.1" or "::1". Looks no name up. Throws UsageError for a name.
[[nodiscard]] SocketAddress socket_address(const std::string& number, std::uint16_t port);
/// The SocketAddress of a numeric endpoint or a Unix socket.
[[nodiscard]] SocketAddress socket_address(const Endpoint& endpoint);

[[nodiscard]] Address address_of(const sockaddr& raw, socklen_t length);

/// The addresses of `host`, each once, in the order that the system prefers. (libzmq would resolve
/// names itself, but with IPv6 switched on only to IPv6 addresses.) May wait for a name server as
/// long as the system is configured to. Throws UsageError for a host that has no address.
[[nodiscard]] std::vector<Address> resolve(const std::string& host);

/// This machine's address on the way to `remote`. Others who reach `remote` may find this process
/// there. Throws TransportError if there is no way.
[[nodiscard]] Address local_address_towards(const Address& remote, std::uint16_t port);

/// Whether a socket of this machine can be bound to `address`.
[[nodiscard]] bool is_of_this_machine(const Address& address);

/// A caller over ipc has no address. The text in its place begins with this, and its process id
/// follows.
inline constexpr std::string_view ipc_peer_mark = "pid ";

/// Whether an endpoint is a Unix socket. Checks nothing else of it.
[[nodiscard]] inline bool is_ipc(const std::string& endpoint) {
  return endpoint.starts_with("ipc://");
}

/// Whether the host of a numeric endpoint ("tcp://1.2.3.4:5") has the address that a connection
/// came from. "::ffff:1.2.3.4" is the same as "1.2.3.4". False if either is not a numeric address.
/// Over ipc: whether the connection came from a process of this host.
[[nodiscard]] bool same_host(const std::string& endpoint, const std::string& peer_address);

/// The endpoint "tcp://HOST:PORT" that others are told. An IPv6 address may be written with or
/// without brackets.
[[nodiscard]] std::string advertised(const std::string& host, std::uint16_t port);

/// The port at the end of an endpoint that libzmq has bound.
[[nodiscard]] std::uint16_t port_of(const std::string& endpoint);

}  // namespace rankwire::zmq_wire
