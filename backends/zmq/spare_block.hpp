#pragma once

#include <cstddef>
#include <memory_resource>
#include <utility>

namespace rankwire::zmq_wire {

/// Memory for a std::pmr::deque that is filled at one end and emptied at the other: the block that
/// it gave back last is the next one it gets. So a steady flow through it allocates nothing.
class SpareBlock final : public std::pmr::memory_resource {
 public:
  SpareBlock() = default;
  ~SpareBlock() override {
    if (spare_ != nullptr) upstream().deallocate(spare_, bytes_, alignment_);
  }
  SpareBlock(const SpareBlock&) = delete;
  SpareBlock& operator=(const SpareBlock&) = delete;

 private:
  static std::pmr::memory_resource& upstream() { return *std::pmr::new_delete_resource(); }

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (spare_ != nullptr && bytes == bytes_ && alignment == alignment_) {
      return std::exchange(spare_, nullptr);
    }
    return upstream().allocate(bytes, alignment);
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    if (spare_ != nullptr) return upstream().deallocate(block, bytes, alignment);
    spare_ = block;
    bytes_ = bytes;
    alignment_ = alignment;
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  void* spare_ = nullptr;
  std::size_t bytes_ = 0, alignment_ = 0;
};

}  // namespace rankwire::zmq_wire
