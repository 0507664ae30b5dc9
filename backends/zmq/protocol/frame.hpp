#pragma once

#include <span>
#include <zmq.hpp>

#include "protocol/protocol.hpp"

namespace rankwire::zmq_wire {

/// Builds the first part of a frame: the header and a copy of the body.
[[nodiscard]] zmq::message_t frame_of(const Header& header, std::span<const std::byte> body);
/// Writes the header to the beginning of the first part of a frame.
void put_header(std::span<std::byte> frame, const Header& header);

}  // namespace rankwire::zmq_wire
