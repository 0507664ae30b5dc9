#include "links/batch.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "protocol/frame.hpp"
#include "rankwire/message.hpp"

namespace rankwire::zmq_wire {
namespace {

void put_u32(std::byte* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

bool is_batch(std::span<const std::byte> body, std::uint64_t message_bytes_max) {
  if (body.empty()) return false;
  while (!body.empty()) {
    const auto entry = take_entry(body);
    if (!entry || entry->tag > static_cast<std::uint32_t>(tag_max) ||
        entry->payload.size() > message_bytes_max) {
      return false;
    }
  }
  return true;
}

/// Stands in front of the frame's bytes, in the same allocation.
struct CountedFrame::Shared {
  std::shared_ptr<Flow> flow;
  std::size_t size;
  std::atomic<int> references{1};

  [[nodiscard]] std::byte* bytes() { return reinterpret_cast<std::byte*>(this + 1); }
};

CountedFrame::CountedFrame(std::span<const std::byte> bytes, std::shared_ptr<Flow> flow) {
  void* const memory = flow->store->take(sizeof(Shared) + bytes.size());
  shared_.reset(new (memory) Shared{std::move(flow), bytes.size()});
  std::memcpy(shared_->bytes(), bytes.data(), bytes.size());
}

void CountedFrame::Release::operator()(Shared* shared) const noexcept {
  if (shared->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::shared_ptr<FrameStore> store = shared->flow->store;
  const std::size_t bytes = sizeof(Shared) + shared->size;
  shared->~Shared();
  store->give_back(shared, bytes);
}

zmq::message_t CountedFrame::message() const {
  Shared& shared = *shared_;
  zmq::message_t message{shared.bytes(), shared.size, sent, &shared};
  // Counts only after the message was made: if libzmq has no memory, it throws and never calls
  // sent().
  shared.references.fetch_add(1, std::memory_order_relaxed);
  shared.flow->under_way.fetch_add(1);
  return message;
}

/// libzmq calls this, on any thread, when it is done with a message.
void CountedFrame::sent(void*, void* hint) noexcept {
  auto* const shared = static_cast<Shared*>(hint);
  const std::shared_ptr<Flow> flow = shared->flow;
  Release{}(shared);
  if (flow->under_way.fetch_sub(1) == 1 && flow->has_batch.load()) flow->turns->due();
}

void Batch::add(std::uint32_t tag, std::span<const std::byte> payload) {
  if (!bytes_) {
    bytes_ = std::make_unique_for_overwrite<std::byte[]>(frame_bytes_max);
  }
  std::byte* const at = bytes_.get() + size_;
  put_u32(at, tag);
  put_u32(at + 4, static_cast<std::uint32_t>(payload.size()));
  if (!payload.empty()) std::memcpy(at + batch_entry_bytes, payload.data(), payload.size());
  size_ += batch_entry_bytes + payload.size();
}

std::span<const std::byte> Batch::finish(Header header) {
  header.bytes = size_ - Header::wire_bytes;
  const std::span<std::byte> frame{bytes_.get(), size_};
  put_header(frame, header);
  return frame;
}

}  // namespace rankwire::zmq_wire
