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

/// What to bind for the host of a --listen: "*": one address that stands for every interface (of
/// both kinds, where this machine has IPv6); an interface: its addresses, link-local ones only
/// where it has no others; a number: itself; a name: those of its addresses that are of this
/// machine. Throws UsageError that lists the interfaces when that is nothing.
[[nodiscard]] std::vector<Address> listening_addresses(const std::string& host);

/// The endpoints at which others may reach a process that has bound `bound`, best first: what is
/// advertised, where that is said; for every interface, each address of this machine that means
/// something elsewhere, the one on the default route before the others, then the name of the host;
/// else what was bound.
[[nodiscard]] std::vector<std::string> reachable_endpoints(const std::vector<std::string>& bound,
                                                           const std::string& advertise);

}  // namespace rankwire::zmq_wire
