#include "frame.hpp"

#include <cstring>

namespace rankwire::zmq_wire {

zmq::message_t frame_of(const Header& header, std::span<const std::byte> body) {
  zmq::message_t frame{Header::wire_bytes + body.size()};
  const HeaderBytes head = to_bytes(header);
  std::memcpy(frame.data(), head.data(), head.size());
  if (!body.empty()) std::memcpy(frame.data<std::byte>() + head.size(), body.data(), body.size());
  return frame;
}

}  // namespace rankwire::zmq_wire
