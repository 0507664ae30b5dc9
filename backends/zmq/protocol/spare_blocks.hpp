#pragma once

#include <cstddef>
#include <memory_resource>
#include <vector>

namespace rankwire::zmq_wire {

/// Memory for a std::pmr::deque that is filled at one end and emptied at the other. It keeps some
/// of the blocks that the deque gives back, and hands them out again. So a steady flow through the
/// deque allocates nothing.
class SpareBlocks final : public std::pmr::memory_resource {
 public:
  SpareBlocks() { spares_.reserve(spares_max); }
  ~SpareBlocks() override { clear(); }
  SpareBlocks(const SpareBlocks&) = delete;
  SpareBlocks& operator=(const SpareBlocks&) = delete;

 private:
  static constexpr std::size_t spares_max = 128;
  static std::pmr::memory_resource& upstream() { return *std::pmr::new_delete_resource(); }

  void clear() {
    for (void* const block : spares_) upstream().deallocate(block, bytes_, alignment_);
    spares_.clear();
  }
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (spares_.empty() || bytes != bytes_ || alignment != alignment_) {
      return upstream().allocate(bytes, alignment);
    }
    void* const block = spares_.back();
    spares_.pop_back();
    return block;
  }
  void do_deallocate(void* block, std::size_t bytes, std::size_t alignment) override {
    // All spare blocks have the size of the last one given back. Blocks of another size are rare:
    // the deque's own table of blocks.
    if (bytes != bytes_ || alignment != alignment_) {
      clear();
      bytes_ = bytes;
      alignment_ = alignment;
    }
    if (spares_.size() < spares_max) {
      spares_.push_back(block);
    } else {
      upstream().deallocate(block, bytes, alignment);
    }
  }
  [[nodiscard]] bool do_is_equal(const memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::vector<void*> spares_;
  std::size_t bytes_ = 0, alignment_ = 0;
};

}  // namespace rankwire::zmq_wire
