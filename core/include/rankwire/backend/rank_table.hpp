#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace rankwire {

/// A `T` for each rank of a world. Only ranks that are used take memory. A rank of a world of 5,000
/// talks to a few others; and if all ranks are threads of one process, full tables would take
/// memory for the square of their number. Entries lie in blocks. An entry that was never changed
/// reads as `T{}`. Not synchronised.
template <class T>
class RankTable {
 public:
  explicit RankTable(int size)
      : size_{size}, blocks_((index(size) + block_ranks - 1) / block_ranks) {}

  [[nodiscard]] int size() const { return size_; }
  /// To read an entry. The reference is valid until at() is first called for the same rank.
  [[nodiscard]] const T& operator[](int rank) const {
    const Block* const block = blocks_[index(rank) / block_ranks].get();
    return block == nullptr ? unused : (*block)[index(rank) % block_ranks];
  }
  /// To change an entry. The reference is valid as long as the table.
  [[nodiscard]] T& at(int rank) {
    auto& block = blocks_[index(rank) / block_ranks];
    if (!block) [[unlikely]]
      block = std::make_unique<Block>();
    return (*block)[index(rank) % block_ranks];
  }

 private:
  /// Smaller blocks would save nothing: in a large world the pointers to blocks would take more
  /// memory than the blocks in use.
  static constexpr std::size_t block_ranks = 32;
  using Block = std::array<T, block_ranks>;
  static inline const T unused{};
  static constexpr std::size_t index(int rank) { return static_cast<std::size_t>(rank); }

  int size_;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace rankwire
