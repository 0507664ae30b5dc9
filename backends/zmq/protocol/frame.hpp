#pragma once

#include <span>
#include <zmq.hpp>

#include "protocol/protocol.hpp"

namespace rankwire::zmq_wire {

/// Builds a first frame: the header and the body, copied.
[[nodiscard]] zmq::message_t frame_of(const Header& header, std::span<const std::byte> body);
/// Writes the header to where it stands in a first frame of that size.
void put_header(std::span<std::byte> frame, const Header& header);

}  // namespace rankwire::zmq_wire
