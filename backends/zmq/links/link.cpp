#include "links/link.hpp"

#include <utility>

#include "protocol/frame.hpp"

namespace rankwire::zmq_wire {
namespace {

/// An acknowledgement is sent when this many bytes have come and no frame went back that would
/// carry it. It frees the sender's memory early. Two pieces of a large payload, so that one such
/// piece is acknowledged by the answer to it.
constexpr std::size_t acknowledge_interval_bytes = 2 * piece_bytes_min;

}  // namespace

Header Link::numbered(Header header) {
  header.sequence = next_++;
  header.ack = received_;
  header.end = end_;
  unacknowledged_bytes_ = 0;
  return header;
}

void Link::send(Header header, std::span<const std::byte> body) {
  flush();
  keep_and_carry({frame_of(numbered(header), body), {}, false, {}});
}

void Link::send_chunk(Header header, zmq::message_t&& chunk) {
  flush();
  keep_and_carry({frame_of(numbered(header), {}), std::move(chunk), true, {}});
}

void Link::send_relay(RelayTag tag, const zmq::message_t& inner, zmq::message_t* chunk) {
  flush();
  const Header header{.kind = Kind::relay, .tag = tag.wire(), .bytes = inner.size()};
  Kept relayed{
      frame_of(numbered(header), {static_cast<const std::byte*>(inner.data()), inner.size()}),
      {},
      chunk != nullptr,
      {}};
  if (chunk != nullptr) relayed.chunk = std::move(*chunk);
  keep_and_carry(std::move(relayed));
}

/// The first message is sent uncounted, since libzmq allocates nothing for a short one. A second
/// one right behind it is sent counted, as a batch of one.
void Link::send_message(std::uint32_t tag, std::span<const std::byte> payload, bool alone) {
  if (payload.size() > Batch::payload_bytes_max ||
      (alone && !has_batch() && flow_->under_way == 0)) {
    send({.kind = Kind::data, .tag = tag, .bytes = payload.size()}, payload);
    return;
  }
  if (!batch_.has_room(payload.size())) flush();
  const bool first = !has_batch();
  batch_.add(tag, payload);
  if (!first) return;
  flow_->has_batch.store(true);
  if (connection_.attached && is_batch_due()) flush();
}

void Link::flush() {
  if (!has_batch()) return;
  flow_->has_batch.store(false);
  const auto bytes = frame_of(batch_, numbered({.kind = Kind::batch}));
  Kept frame{{}, {}, false, CountedFrame{bytes, flow_}};
  batch_.clear();
  keep_and_carry(std::move(frame));
}

void Link::keep_and_carry(Kept&& frame) {
  kept_.push_back(std::move(frame));
  if (connection_.attached) carry(kept_.back());
}

void Link::carry(Kept& frame) {
  zmq::message_t first;
  if (frame.counted) {
    first = frame.counted->message();
  } else {
    first.copy(frame.first);
  }
  if (!frame.has_chunk) {
    connection_.route.carry(std::move(first), nullptr);
    return;
  }
  zmq::message_t chunk;
  chunk.copy(frame.chunk);
  connection_.route.carry(std::move(first), &chunk);
}

bool Link::take(const Header& header, std::size_t frame_bytes) {
  note_acknowledged(header.ack);
  note_heard(header);
  if (!is_numbered(header.kind)) return false;
  if (header.sequence != received_) {
    const bool ahead = static_cast<std::int32_t>(header.sequence - received_) > 0;
    if (ahead && !connection_.asked_again) ask_again();
    return false;
  }
  // The first frame of a connection is acknowledged at once, to show the other side that frames
  // pass.
  const bool first = received_ == connection_.received_before;
  ++received_;
  connection_.asked_again = false;
  unacknowledged_bytes_ += frame_bytes;
  if (first || unacknowledged_bytes_ > acknowledge_interval_bytes) acknowledge();
  return true;
}

bool Link::wants_again(const Header& header) {
  if (header.sequence != received_ || unsound_ == header.sequence) return false;
  unsound_ = header.sequence;
  ask_again();
  return true;
}

/// The first frame of a connection acknowledges only frames that came over earlier ones.
void Link::note_heard(const Header& header) {
  if (!std::exchange(connection_.heard, true)) connection_.acked_before = acked_;
  if (header.kind == Kind::ack || header.kind == Kind::sign)
    connection_.told_sent = header.sequence;
}

void Link::note_sent(std::uint32_t frames) {
  connection_.told_sent = frames;
  connection_.heard = true;
}

void Link::give_sign(Kind kind) {
  unacknowledged_bytes_ = 0;
  carry_bare(kind);
}

void Link::ask_again() {
  connection_.asked_again = connection_.attached;
  carry_bare(Kind::resend);
}

void Link::fall_silent() {
  carry_bare(Kind::sign, falls_silent_tag);
}

void Link::carry_bare(Kind kind, std::uint32_t tag) {
  if (!connection_.attached) return;
  Header header = word(kind, 0);
  header.tag = tag;
  connection_.route.carry(frame_of(header, {}), nullptr);
}

/// Numbers wrap at 2^32. Far fewer frames than that are under way.
bool Link::note_acknowledged(std::uint32_t received) {
  if (received - acked_ > next_ - acked_) return false;
  for (; acked_ != received; ++acked_) kept_.pop_front();
  return true;
}

void Link::attach(Route over) {
  connection_.route = over;
  connection_.attached = true;
  connection_.asked_again = false;
  connection_.heard = false;
  connection_.acked_before = acked_;
  connection_.received_before = received_;
  for (Kept& frame : kept_) carry(frame);
}

bool Link::attach(Route over, std::uint32_t received) {
  const bool overtaken = static_cast<std::int32_t>(received - acked_) < 0;
  if (!overtaken && !note_acknowledged(received)) return false;
  attach(over);
  return true;
}

}  // namespace rankwire::zmq_wire
