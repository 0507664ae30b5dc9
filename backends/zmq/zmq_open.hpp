#pragma once

#include <memory>

#include "options/zmq_settings.hpp"
#include "rankwire/channel.hpp"

namespace rankwire::zmq_wire {

/// Opens a world over ZeroMQ, as its master where `settings` say listen, else as a worker, and
/// gives this process's rank. Throws what Backend::open may.
[[nodiscard]] std::unique_ptr<Channel> open_zmq(const ZmqSettings& settings);

}  // namespace rankwire::zmq_wire
