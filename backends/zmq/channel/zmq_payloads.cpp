#include <algorithm>
#include <cstring>
#include <utility>

#include "channel/zmq_channel.hpp"

// What a frame of data has for the program: a payload of its own, a piece of one, or several small
// ones.

namespace rankwire::zmq_wire {
namespace {

/// Up to here a received payload is copied out of libzmq's message; above it stays there.
constexpr std::size_t copied_payload_bytes_max = 4096;
/// Memory for a payload in pieces; more follows as they come, not as the first of them says.
constexpr std::size_t partial_bytes_first = std::size_t{64} << 20;

std::span<const std::byte> view_of(const zmq::message_t& message) {
  return {message.data<std::byte>(), message.size()};
}

/// Without a copy. Behind a payload that is sent on there may be room for its next header, where
/// the last one was.
Buffer buffer_over(zmq::message_t&& message, std::size_t offset, std::size_t size) {
  auto* const holder = new zmq::message_t{std::move(message)};
  return Buffer::adopt(
      holder->data<std::byte>() + offset, size,
      [](void* context) noexcept { delete static_cast<zmq::message_t*>(context); }, holder,
      holder->size() - offset - size);
}

}  // namespace

/// Whether header and parts of a numbered frame are of one piece. The mark that a frame has a
/// second part is not covered by the keys (libzmq 4.3.4), so a changed bit may join it with the
/// next.
bool ZmqChannel::is_whole(const Incoming& incoming) const {
  const Header& header = incoming.header;
  if (header.kind == Kind::relay) return true;
  if (header.kind != Kind::data) return !incoming.has_chunk;
  const std::size_t here = incoming.has_chunk ? incoming.chunk.size() : incoming.body().size();
  return header.tag <= static_cast<std::uint32_t>(tag_max) &&
         header.bytes <= settings_.message_bytes_max && here <= header.bytes &&
         (incoming.has_chunk ? here > 0 && incoming.body().empty() : here == header.bytes);
}

void ZmqChannel::process_data(int source, Incoming&& incoming) {
  if (!is_whole(incoming)) {
    wire_->drop(incoming.connection, "a message whose header does not fit it");
    return;
  }
  const auto tag = static_cast<int>(incoming.header.tag);
  const std::uint64_t bytes = incoming.header.bytes;
  const std::size_t here = incoming.has_chunk ? incoming.chunk.size() : incoming.body().size();
  if (here <= copied_payload_bytes_max && here == bytes) {
    deliver_copy(source, tag, incoming.has_chunk ? view_of(incoming.chunk) : incoming.body());
  } else if (!incoming.has_chunk) {
    const std::size_t offset = body_at(incoming.first.size());
    deliver(source, tag, buffer_over(std::move(incoming.first), offset, here));
  } else if (here == bytes) {
    deliver(source, tag, buffer_over(std::move(incoming.chunk), 0, here));
  } else {
    take_piece(source, std::move(incoming));
  }
}

/// All of it or nothing: a frame that is not sound in one place is in none.
void ZmqChannel::process_batch(int source, Incoming&& incoming) {
  auto body = std::as_const(incoming).body();
  if (incoming.has_chunk || !is_batch(body, settings_.message_bytes_max)) {
    wire_->drop(incoming.connection, "messages that do not fit their frame");
    return;
  }
  open_batch_.source = source;
  open_batch_.frame = std::move(incoming.first);
  open_batch_.rest = body_in(view_of(open_batch_.frame));
  if (peer(source).departing) unpack();  // it may be the last that is waited for
}

/// The usual case, without the way through the mailbox, which has nothing that `wanted` asks for.
std::optional<Event> ZmqChannel::take_from_batch(const Wanted& wanted) {
  const int source = open_batch_.source;
  while (const auto entry = take_entry(open_batch_.rest)) {
    const auto tag = static_cast<int>(entry->tag);
    if (!wanted.asks_for(source, tag)) {
      deliver_copy(source, tag, entry->payload);
    } else if (wanted.takes(entry->payload)) {
      note_copied(entry->payload.size());
      ++peer(source).received;
      return std::optional<Event>{std::in_place, std::in_place_type<Message>,
                                  Message{source, tag, Buffer::copy_of(entry->payload)}};
    } else {
      deliver_copy(source, tag, entry->payload);
      return mailbox_.take(wanted);  // which says why
    }
  }
  return std::nullopt;
}

/// Puts what the open batch still has into the mailbox, where what comes later must find it, news
/// of departures included.
void ZmqChannel::unpack() {
  while (const auto entry = take_entry(open_batch_.rest)) {
    deliver_copy(open_batch_.source, static_cast<int>(entry->tag), entry->payload);
  }
}

/// One piece of a large payload; they come in order, and no other data of that source between.
void ZmqChannel::take_piece(int source, Incoming&& incoming) {
  Peer& there = peer(source);
  const std::size_t bytes = incoming.header.bytes;
  const std::size_t piece = incoming.chunk.size();
  if (there.partial_filled == 0) {
    there.partial = Buffer{std::min(bytes, partial_bytes_first)};
    there.partial_bytes = bytes;
  }
  if (there.partial_bytes != bytes || there.partial_filled + piece > bytes) {
    wire_->drop(incoming.connection, "a piece that does not fit its message");
    return;
  }
  if (there.partial_filled + piece > there.partial.size()) {
    Buffer larger{
        std::min(bytes, std::max(2 * there.partial.size(), there.partial_filled + piece))};
    std::memcpy(larger.data(), there.partial.data(), there.partial_filled);
    note_copied(there.partial_filled);
    there.partial = std::move(larger);
  }
  std::memcpy(there.partial.data() + there.partial_filled, incoming.chunk.data(), piece);
  note_copied(piece);
  there.partial_filled += piece;
  if (there.partial_filled < bytes) return;
  there.partial_filled = 0;
  deliver(source, static_cast<int>(incoming.header.tag), std::move(there.partial));
}

void ZmqChannel::deliver_copy(int source, int tag, std::span<const std::byte> payload) {
  note_copied(payload.size());
  deliver(source, tag, Buffer::copy_of(payload));
}

void ZmqChannel::deliver(int source, int tag, Buffer&& payload) {
  ++peer(source).received;
  mailbox_.push({source, tag, std::move(payload)});
  if (!peer(source).departing) return;
  await_last_of(source);
  finish_departing(source);
}

}  // namespace rankwire::zmq_wire
