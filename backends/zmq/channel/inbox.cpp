#include "channel/inbox.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "links/batch.hpp"
#include "rankwire/message.hpp"

namespace rankwire::zmq_wire {
namespace {

/// A received payload of up to this size is copied out of libzmq's message. A larger one stays
/// there.
constexpr std::size_t copied_payload_bytes_max = 4096;
/// A payload in pieces gets this much memory at first, and more as pieces come: its first piece may
/// claim any size.
constexpr std::size_t partial_bytes_first = std::size_t{64} << 20;

std::span<const std::byte> view_of(const zmq::message_t& message) {
  return {message.data<std::byte>(), message.size()};
}

/// A Buffer over a part of `message`, without a copy.
Buffer buffer_over(zmq::message_t&& message, std::size_t offset, std::size_t size) {
  auto* const holder = new zmq::message_t{std::move(message)};
  return Buffer::adopt(
      holder->data<std::byte>() + offset, size,
      [](void* context) noexcept { delete static_cast<zmq::message_t*>(context); }, holder);
}

}  // namespace

/// CURVE does not protect the mark that a frame has a second part (libzmq 4.3.4). So a changed bit
/// may join a frame with the next one.
bool Inbox::is_whole(const Incoming& incoming) const {
  const Header& header = incoming.header;
  if (header.kind == Kind::relay || header.kind == Kind::departed) return true;
  if (header.kind != Kind::data) return !incoming.has_chunk;
  const std::size_t here = incoming.has_chunk ? incoming.chunk.size() : incoming.body().size();
  return header.tag <= static_cast<std::uint32_t>(tag_max) && header.bytes <= message_bytes_max_ &&
         here <= header.bytes &&
         (incoming.has_chunk ? here > 0 && incoming.body().empty() : here == header.bytes);
}

std::optional<std::string_view> Inbox::accept(int source, Incoming&& incoming) {
  return incoming.header.kind == Kind::batch ? accept_batch(source, std::move(incoming))
                                             : accept_data(source, std::move(incoming));
}

std::optional<std::string_view> Inbox::accept_data(int source, Incoming&& incoming) {
  if (!is_whole(incoming)) return "a message whose header does not fit it";
  const auto tag = static_cast<int>(incoming.header.tag);
  const std::uint64_t bytes = incoming.header.bytes;
  const std::size_t here = incoming.has_chunk ? incoming.chunk.size() : incoming.body().size();
  if (here <= copied_payload_bytes_max && here == bytes) {
    deliver_copy(source, tag, incoming.has_chunk ? view_of(incoming.chunk) : incoming.body());
  } else if (!incoming.has_chunk) {
    deliver(source, tag, buffer_over(std::move(incoming.first), Header::wire_bytes, here));
  } else if (here == bytes) {
    deliver(source, tag, buffer_over(std::move(incoming.chunk), 0, here));
  } else {
    return accept_piece(source, std::move(incoming));
  }
  return std::nullopt;
}

std::optional<std::string_view> Inbox::accept_batch(int source, Incoming&& incoming) {
  auto body = std::as_const(incoming).body();
  if (incoming.has_chunk || !is_batch(body, message_bytes_max_)) {
    return "messages that do not fit their frame";
  }
  unpack();
  open_batch_.source = source;
  open_batch_.frame = std::move(incoming.first);
  open_batch_.rest = body_in(view_of(open_batch_.frame));
  return std::nullopt;
}

/// Takes a piece of a payload. Its pieces come in order, with no other data of that source between
/// them.
std::optional<std::string_view> Inbox::accept_piece(int source, Incoming&& incoming) {
  Partial& partial = partials_.at(source);
  const std::size_t bytes = incoming.header.bytes;
  const std::size_t piece = incoming.chunk.size();
  if (partial.filled == 0) {
    partial.memory = Buffer{std::min(bytes, partial_bytes_first)};
    partial.bytes = bytes;
  }
  if (partial.bytes != bytes || partial.filled + piece > bytes) {
    return "a piece that does not fit its message";
  }
  if (partial.filled + piece > partial.memory.size()) {
    Buffer larger{std::min(bytes, std::max(2 * partial.memory.size(), partial.filled + piece))};
    std::memcpy(larger.data(), partial.memory.data(), partial.filled);
    copied_bytes_ += partial.filled;
    partial.memory = std::move(larger);
  }
  std::memcpy(partial.memory.data() + partial.filled, incoming.chunk.data(), piece);
  copied_bytes_ += piece;
  partial.filled += piece;
  if (partial.filled < bytes) return std::nullopt;
  partial.filled = 0;
  deliver(source, static_cast<int>(incoming.header.tag), std::move(partial.memory));
  return std::nullopt;
}

std::optional<Event> Inbox::take(const Wanted& wanted) {
  if (open_batch_.rest.empty()) return ledger_.take(wanted);
  if (!ledger_.mailbox().idle() || !wanted.asks_for(open_batch_.source)) {
    if (auto event = ledger_.take(wanted)) return event;
  }
  return take_from_batch(wanted);
}

/// This is the usual case. Messages need not pass through the mailbox.
std::optional<Event> Inbox::take_from_batch(const Wanted& wanted) {
  const int source = open_batch_.source;
  while (const auto entry = take_entry(open_batch_.rest)) {
    const auto tag = static_cast<int>(entry->tag);
    if (!wanted.asks_for(source, tag)) {
      deliver_copy(source, tag, entry->payload);
    } else if (wanted.takes(entry->payload)) {
      copied_bytes_ += entry->payload.size();
      ledger_.count(source);
      return std::optional<Event>{std::in_place, std::in_place_type<Message>,
                                  Message{source, tag, Buffer::copy_of(entry->payload)}};
    } else {
      deliver_copy(source, tag, entry->payload);
      return ledger_.take(wanted);  // throws with the reason
    }
  }
  return std::nullopt;
}

void Inbox::unpack() {
  while (const auto entry = take_entry(open_batch_.rest)) {
    deliver_copy(open_batch_.source, static_cast<int>(entry->tag), entry->payload);
  }
}

void Inbox::deliver_copy(int source, int tag, std::span<const std::byte> payload) {
  copied_bytes_ += payload.size();
  deliver(source, tag, Buffer::copy_of(payload));
}

void Inbox::deliver(int source, int tag, Buffer&& payload) {
  ledger_.push({source, tag, std::move(payload)});
}

}  // namespace rankwire::zmq_wire
