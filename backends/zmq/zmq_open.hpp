#pragma once

#include <memory>

#include "options/zmq_settings.hpp"
#include "rankwire/channel.hpp"

namespace rankwire::zmq_wire {

/// Opens a world over ZeroMQ: as its master if `settings` have `listen`, else as a worker. Returns
/// the channel of this process's rank. Throws what Backend::open may throw.
[[nodiscard]] std::unique_ptr<Channel> open_zmq(const ZmqSettings& settings);

}  // namespace rankwire::zmq_wire
