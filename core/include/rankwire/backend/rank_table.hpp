#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace rankwire {

/// A `T` for each rank of a world. In a large world only ranks that are used take memory. A rank of
/// a world of 5,000 talks to a few others; and if all ranks are threads of one process, full tables
/// would take memory for the square of their number. Entries lie in blocks then. An entry that was
/// never changed reads as `T{}`. In a small world all entries lie in one row, since each message
/// asks for several of them.
///
/// One thread changes the table. Others may read it meanwhile if `T` is atomic.
template <class T>
class RankTable {
 public:
  explicit RankTable(int size)
      : size_{size},
        row_{size <= row_ranks_max ? std::make_unique<T[]>(index(size)) : nullptr},
        blocks_(row_ ? 0 : index(size) / block_ranks + 1) {}

  [[nodiscard]] int size() const { return size_; }
  /// To read an entry. The reference is valid until at() is first called for the same rank.
  [[nodiscard]] const T& operator[](int rank) const {
    if (row_) [[likely]]
      return row_[index(rank)];
    const Block* const block = blocks_[index(rank) / block_ranks].load(std::memory_order_acquire);
    return block == nullptr ? unused : (*block)[index(rank) % block_ranks];
  }
  /// To change an entry. The reference is valid as long as the table.
  [[nodiscard]] T& at(int rank) { return row_ ? row_[index(rank)] : in_block(rank); }

 private:
  static constexpr int row_ranks_max = 64;
  /// Smaller blocks would save nothing: in a large world the pointers to blocks would take more
  /// memory than the blocks in use.
  static constexpr std::size_t block_ranks = 32;
  using Block = std::array<T, block_ranks>;
  static inline const T unused{};
  static constexpr std::size_t index(int rank) { return static_cast<std::size_t>(rank); }

  T& in_block(int rank) {
    auto& place = blocks_[index(rank) / block_ranks];
    Block* block = place.load(std::memory_order_relaxed);
    if (block == nullptr) {
      block = owned_.emplace_back(std::make_unique<Block>()).get();
      place.store(block, std::memory_order_release);
    }
    return (*block)[index(rank) % block_ranks];
  }

  int size_;
  std::unique_ptr<T[]> row_;  // null: blocks
  std::vector<std::atomic<Block*>> blocks_;
  std::vector<std::unique_ptr<Block>> owned_;
};

}  // namespace rankwire
