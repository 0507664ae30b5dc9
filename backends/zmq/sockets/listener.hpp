#pragma once

#include <string>
#include <vector>
#include <zmq.hpp>

#include "reach/address.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {

/// Stands for any free port.
inline constexpr PortRange any_port{0, 0};

/// Binds `socket` at all of `addresses`, all at one port, and returns the endpoints in the same
/// order. Tries each port of `ports` once, and begins anywhere among them. For any_port, takes a
/// port that the system finds free at the first address; if that is taken at another address, tries
/// some more. Throws UsageError if all ports are taken, or if an address is not of this machine or
/// not allowed; the socket is then of no further use. The error of the master speaks of --listen,
/// that of a worker of --port-range.
[[nodiscard]] std::vector<std::string> bind_all(zmq::socket_t& socket,
                                                const std::vector<Address>& addresses,
                                                PortRange ports, bool is_master);

}  // namespace rankwire::zmq_wire
