#include "link.hpp"

#include <utility>

#include "frame.hpp"

namespace rankwire::zmq_wire {
namespace {

/// So much may come in before it is acknowledged on its own, while nothing is sent back that would
/// do so by the way. Frees the sender's memory early; two pieces of a large payload, so that an
/// answer to one such piece is soon enough.
constexpr std::size_t acknowledge_each_bytes = 2 * chunk_bytes_max;

}  // namespace

zmq::message_t Link::frame(Header header, std::span<const std::byte> body) {
  header.sequence = next_++;
  header.ack = received_;
  unacknowledged_bytes_ = 0;
  return frame_of(header, body);
}

void Link::send(Header header, std::span<const std::byte> body) {
  keep_and_carry({frame(header, body), {}, false});
}

void Link::send_chunk(Header header, zmq::message_t&& chunk) {
  keep_and_carry({frame(header, {}), std::move(chunk), true});
}

void Link::send_relay(RelayTag tag, zmq::message_t&& inner, zmq::message_t* chunk) {
  const Header header{.kind = Kind::relay, .tag = tag.wire(), .bytes = inner.size()};
  Kept relayed{frame(header, {inner.data<std::byte>(), inner.size()}), {}, chunk != nullptr};
  if (chunk != nullptr) relayed.chunk = std::move(*chunk);
  keep_and_carry(std::move(relayed));
}

void Link::keep_and_carry(Kept&& frame) {
  kept_.push_back(std::move(frame));
  if (attached_) carry(kept_.back());
}

void Link::carry(Kept& frame) {
  zmq::message_t first;
  first.copy(frame.first);
  if (!frame.has_chunk) {
    carrier_.carry(route_, std::move(first), nullptr);
    return;
  }
  zmq::message_t chunk;
  chunk.copy(frame.chunk);
  carrier_.carry(route_, std::move(first), &chunk);
}

bool Link::take(const Header& header, std::size_t frame_bytes) {
  note_acknowledged(header.ack);
  if (!is_numbered(header.kind)) return false;
  if (header.sequence != received_) {
    const bool ahead = static_cast<std::int32_t>(header.sequence - received_) > 0;
    if (ahead && !asked_again_) ask_again();
    return false;
  }
  ++received_;
  asked_again_ = false;
  unacknowledged_bytes_ += frame_bytes;
  if (unacknowledged_bytes_ > acknowledge_each_bytes) acknowledge();
  return true;
}

void Link::acknowledge() {
  unacknowledged_bytes_ = 0;
  carry_bare(Kind::ack);
}

void Link::ask_again() {
  asked_again_ = attached_;
  carry_bare(Kind::resend);
}

void Link::carry_bare(Kind kind) {
  if (attached_) carrier_.carry(route_, frame_of({.kind = kind, .ack = received_}, {}), nullptr);
}

/// Numbers go round at 2^32; far fewer frames than that are under way.
bool Link::note_acknowledged(std::uint32_t received) {
  if (received - acked_ > next_ - acked_) return false;
  for (; acked_ != received; ++acked_) kept_.pop_front();
  return true;
}

void Link::attach(ConnectionId over) {
  route_ = over;
  attached_ = true;
  asked_again_ = false;
  for (Kept& frame : kept_) carry(frame);
}

bool Link::attach(ConnectionId over, std::uint32_t received) {
  const bool overtaken = static_cast<std::int32_t>(received - acked_) < 0;
  if (!overtaken && !note_acknowledged(received)) return false;
  attach(over);
  return true;
}

}  // namespace rankwire::zmq_wire
