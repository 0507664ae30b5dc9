#pragma once

#include <memory>

#include "options/zmq_settings.hpp"
#include "rankwire/channel.hpp"

namespace rankwire::zmq_wire {

/// Opens a world over ZeroMQ: as a worker if `settings.join` is set, else as its master. Returns
/// when the world is complete, with the channel of this process's rank. Throws what Backend::open
/// may throw.
[[nodiscard]] std::unique_ptr<Channel> open_zmq(const ZmqSettings& settings);

}  // namespace rankwire::zmq_wire
