#include "links/frame_store.hpp"

#include <bit>
#include <new>

namespace rankwire::zmq_wire {

FrameStore::FrameStore() {
  for (std::size_t size = 0; size < sizes; ++size) {
    kept_[size].reserve(kept_bytes_max / (least_bytes << size));
  }
}

FrameStore::~FrameStore() {
  for (const auto& kept : kept_) {
    for (void* const block : kept) ::operator delete(block);
  }
}

/// The index of the smallest size that holds `bytes`. `sizes` or more if none does.
std::size_t FrameStore::size_index(std::size_t bytes) {
  if (bytes <= least_bytes) return 0;
  return static_cast<std::size_t>(std::bit_width((bytes - 1) / least_bytes));
}

void* FrameStore::take(std::size_t bytes) {
  const std::size_t size = size_index(bytes);
  if (size >= sizes) return ::operator new(bytes);
  {
    const std::lock_guard lock{mutex_};
    auto& kept = kept_[size];
    if (!kept.empty()) {
      void* const block = kept.back();
      kept.pop_back();
      return block;
    }
  }
  return ::operator new(least_bytes << size);
}

void FrameStore::give_back(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = size_index(bytes);
  if (size < sizes) {
    const std::lock_guard lock{mutex_};
    auto& kept = kept_[size];
    if (kept.size() < kept.capacity()) {
      kept.push_back(memory);
      return;
    }
  }
  ::operator delete(memory);
}

}  // namespace rankwire::zmq_wire
