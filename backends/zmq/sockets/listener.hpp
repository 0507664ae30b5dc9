#pragma once

#include <string>
#include <vector>
#include <zmq.hpp>

#include "reach/address.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {

/// Any free port.
inline constexpr PortRange any_port{0, 0};

/// Binds `socket` at all of `addresses`, on one and the same port of `ports`, each of which is
/// tried once, beginning anywhere; any_port: on one that the system finds free at the first
/// address, with some more attempts where it is taken at another. Gives the endpoints bound, in the
/// same order. Throws UsageError when all are taken, in words that differ for the master (whose
/// port is that of --listen) and a worker (--port-range), or an address is not of this machine or
/// not allowed; then the socket is of no further use.
[[nodiscard]] std::vector<std::string> bind_all(zmq::socket_t& socket,
                                                const std::vector<Address>& addresses,
                                                PortRange ports, bool is_master);

}  // namespace rankwire::zmq_wire
