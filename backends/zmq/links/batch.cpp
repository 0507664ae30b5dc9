#include "links/batch.hpp"

#include <cstring>
#include <new>
#include <utility>

#include "protocol/frame.hpp"

namespace rankwire::zmq_wire {
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

std::span<const std::byte> frame_of(Batch& batch, Header header) {
  const std::span<std::byte> frame = batch.bytes();
  header.bytes = frame.size() - Header::wire_bytes;
  put_header(frame, header);
  return frame;
}

}  // namespace rankwire::zmq_wire
