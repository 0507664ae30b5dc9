#include "channel/outbox.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace rankwire::zmq_wire {
namespace {

/// A payload that libzmq sends in pieces. It ends with the last of them.
struct SharedPayload {
  SharedPayload(Buffer&& payload, std::size_t pieces)
      : bytes{std::move(payload)}, references{pieces} {}
  Buffer bytes;
  std::atomic<std::size_t> references;

  static void release(void*, void* shared) {
    auto* const self = static_cast<SharedPayload*>(shared);
    if (self->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete self;
  }
};

}  // namespace

void Outbox::send_inline(Link& link, int tag, std::span<const std::byte> payload) {
  Sent& sent = of(link.rank());
  const bool alone = std::exchange(sent.at_wait, wait_count_) != wait_count_;
  link.send_message(static_cast<std::uint32_t>(tag), payload, alone);
  if (link.has_batch() && !std::exchange(link.listed, true)) with_batch_.push_back(&link);
  ++sent.messages;
}

void Outbox::send_as_it_lies(Link& link, std::size_t piece_bytes, int tag, Buffer&& payload) {
  const std::size_t bytes = payload.size();
  const std::size_t pieces = (bytes + piece_bytes - 1) / piece_bytes;
  const Header header{Kind::data, static_cast<std::uint32_t>(tag), bytes};
  auto* const shared = new SharedPayload{std::move(payload), pieces};
  const auto message = [shared](std::size_t at, std::size_t size) {
    return zmq::message_t{shared->bytes.data() + at, size, SharedPayload::release, shared};
  };
  for (std::size_t at = 0; at < bytes; at += piece_bytes) {
    link.send_chunk(header, message(at, std::min(piece_bytes, bytes - at)));
  }
  ++of(link.rank()).messages;
}

void Outbox::do_due() noexcept {
  std::erase_if(with_batch_, [this](Link* link) {
    if (link->has_batch() && !link->is_batch_due()) return false;
    link->listed = false;
    try {
      link->flush();
    } catch (...) {
      due_failed_ = std::current_exception();
    }
    return true;
  });
}

void Outbox::flush() {
  for (Link* const link : with_batch_) {
    link->listed = false;
    link->flush();
  }
  with_batch_.clear();
}

}  // namespace rankwire::zmq_wire
