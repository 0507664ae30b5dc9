#pragma once

#include <span>
#include <zmq.hpp>

#include "protocol.hpp"

namespace rankwire::zmq_wire {

/// Builds a frame: the header, then the body, copied.
[[nodiscard]] zmq::message_t frame_of(const Header& header, std::span<const std::byte> body);

}  // namespace rankwire::zmq_wire
