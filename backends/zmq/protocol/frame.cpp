#include "protocol/frame.hpp"

#include <cstring>

namespace rankwire::zmq_wire {

void put_header(std::span<std::byte> frame, const Header& header) {
  const HeaderBytes head = to_bytes(header);
  std::memcpy(frame.data(), head.data(), head.size());
}

zmq::message_t frame_of(const Header& header, std::span<const std::byte> body) {
  zmq::message_t frame{Header::wire_bytes + body.size()};
  const std::span<std::byte> bytes{frame.data<std::byte>(), frame.size()};
  put_header(bytes, header);
  if (!body.empty()) std::memcpy(bytes.data() + Header::wire_bytes, body.data(), body.size());
  return frame;
}

}  // namespace rankwire::zmq_wire
