#pragma once

#include "script.hpp"
#include "sockets/wire.hpp"

namespace fuzz {

/// Begins a new network that plays `script`, which must outlive every Wire of the run; `probed` is
/// the outcome of every probe.
void begin_network(Script& script, std::uint8_t probed);

/// The connection of the next one who calls; for a channel that begins in a running world.
[[nodiscard]] rankwire::zmq_wire::ConnectionId a_caller(std::uint8_t index);

}  // namespace fuzz
