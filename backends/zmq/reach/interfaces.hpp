#pragma once

#include <string>
#include <vector>

#include "reach/address.hpp"

namespace rankwire::zmq_wire {

/// A network interface of this machine that is up.
struct Interface {
  std::string name;
  std::vector<Address> addresses;  ///< IPv4 first; never empty
};

[[nodiscard]] std::vector<Interface> interfaces();

/// The addresses to bind for the host of a --listen. For "*": one address that stands for every
/// interface, of both kinds if this machine has IPv6. For an interface: its addresses, link-local
/// ones only if it has no others. For a numeric address: itself. For a name: those of its addresses
/// that are of this machine. Throws UsageError, which lists the interfaces, if there are none.
[[nodiscard]] std::vector<Address> listening_addresses(const std::string& host);

/// The endpoints at which others may reach a process that has bound `bound`, the best first. If
/// `advertise` is not empty, the endpoint with it. If every interface was bound: each address of
/// this machine that is valid elsewhere, the one on the default route first, then the name of the
/// host. Otherwise what was bound.
[[nodiscard]] std::vector<std::string> reachable_endpoints(const std::vector<std::string>& bound,
                                                           const std::string& advertise);

}  // namespace rankwire::zmq_wire
