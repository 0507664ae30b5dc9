#pragma once

#include <string>
#include <vector>

#include "rankwire/backend/endpoint.hpp"

namespace rankwire::zmq_wire {

/// A numeric address of this or another machine, "127.0.0.1" or "fe80::1".
struct Address {
  std::string number;
  bool v6 = false;
  bool loopback = false;

  /// "tcp://127.0.0.1:5555", "tcp://[::1]:5555", as libzmq wants it; port "*": any free one.
  [[nodiscard]] std::string endpoint(const std::string& port) const;
};

/// The addresses of `host`, in the order the system prefers. libzmq would resolve names itself, but
/// with IPv6 switched on to IPv6 addresses only. Throws UsageError naming a host that has none.
[[nodiscard]] std::vector<Address> resolve(const std::string& host);

/// The address of this machine on the way to `remote`: where others who reach `remote` may find us.
[[nodiscard]] Address local_address_towards(const Address& remote, std::uint16_t port);

/// Tries one TCP connection for at most a second, and says in words what came of it: "" when it
/// was accepted, else "connection refused", "no answer", ...
[[nodiscard]] std::string try_connect(const Address& address, std::uint16_t port);

}  // namespace rankwire::zmq_wire
