#include "frame_store.hpp"

#include <bit>
#include <new>

namespace rankwire::zmq_wire {

FrameStore::~FrameStore() {
  for (const Kept& kept : kept_) {
    for (std::size_t i = 0; i < kept.count; ++i) ::operator delete(kept.blocks[i]);
  }
}

/// Of the size that holds so many; `sizes` and more: none does.
std::size_t FrameStore::size_index(std::size_t bytes) {
  if (bytes <= least_bytes) return 0;
  return static_cast<std::size_t>(std::bit_width((bytes - 1) / least_bytes));
}

void* FrameStore::take(std::size_t bytes) {
  const std::size_t size = size_index(bytes);
  if (size >= sizes) return ::operator new(bytes);
  {
    const std::lock_guard lock{mutex_};
    Kept& kept = kept_[size];
    if (kept.count > 0) return kept.blocks[--kept.count];
  }
  return ::operator new(least_bytes << size);
}

void FrameStore::give_back(void* memory, std::size_t bytes) noexcept {
  const std::size_t size = size_index(bytes);
  if (size < sizes) {
    const std::lock_guard lock{mutex_};
    Kept& kept = kept_[size];
    if (kept.count < kept_max) {
      kept.blocks[kept.count++] = memory;
      return;
    }
  }
  ::operator delete(memory);
}

}  // namespace rankwire::zmq_wire
