#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace rankwire {

/// A `T` for each rank of a world. In a large world only ranks that are used take memory, whatever
/// the size of the world: a rank of a world of 5,000 talks to a few others, and if all ranks are
/// threads of one process, anything that grows with the world would take memory for the square of
/// their number. Entries are found by a hash table then. An entry that was never changed reads as
/// `T{}`. In a small world all entries lie in one row, since each message asks for several of them.
///
/// One thread changes the table. Others may read it meanwhile if `T` is atomic.
template <class T>
class RankTable {
 public:
  explicit RankTable(int size)
      : size_{size},
        row_{size <= row_ranks_max ? std::make_unique<T[]>(static_cast<std::size_t>(size))
                                   : nullptr} {}

  [[nodiscard]] int size() const { return size_; }
  /// To read an entry. The reference is valid until at() is first called for the same rank.
  [[nodiscard]] const T& operator[](int rank) const {
    if (row_) [[likely]]
      return row_[static_cast<std::size_t>(rank)];
    const Entry* const entry = find(rank);
    return entry == nullptr ? unused : entry->value;
  }
  /// To change an entry. The reference is valid as long as the table.
  [[nodiscard]] T& at(int rank) {
    if (row_) [[likely]]
      return row_[static_cast<std::size_t>(rank)];
    return entry(rank).value;
  }
  /// Whether the entry may have been changed. In a small world always true.
  [[nodiscard]] bool has(int rank) const { return row_ || &(*this)[rank] != &unused; }
  /// The entry reads as `T{}` again.
  void forget(int rank) {
    if (has(rank)) at(rank) = T{};
  }

 private:
  static constexpr int row_ranks_max = 64;
  static constexpr auto acquire = std::memory_order_acquire;
  static inline const T unused{};

  struct Entry {
    explicit Entry(int of) : rank{of} {}
    const int rank;
    T value{};
  };
  /// Open addressing; a place once taken stays so.
  struct Index {
    explicit Index(std::size_t size) : places(size) {}
    /// The place that has `rank`, or the free one where it belongs.
    template <class Self>
    static auto& place_in(Self& self, int rank) {
      const std::size_t size = self.places.size();  // a power of two, never full
      // Ranks differ mostly in a few low bits. One multiplication moves all of them to the top.
      const auto hash = static_cast<std::uint32_t>(rank) * std::uint32_t{0x9E3779B9};
      std::size_t at = hash >> (32 - std::countr_zero(size));
      for (;; at = (at + 1) & (size - 1)) {
        const Entry* const entry = self.places[at].load(acquire);
        if (entry == nullptr || entry->rank == rank) return self.places[at];
      }
    }
    [[nodiscard]] const std::atomic<Entry*>& place_of(int rank) const {
      return place_in(*this, rank);
    }
    [[nodiscard]] std::atomic<Entry*>& place_of(int rank) { return place_in(*this, rank); }
    std::vector<std::atomic<Entry*>> places;
  };

  // These are kept out of the callers' code, which is that of each message.
  [[nodiscard, gnu::noinline]] const Entry* find(int rank) const {
    const Index* const index = index_.load(acquire);
    return index == nullptr ? nullptr : index->place_of(rank).load(acquire);
  }
  [[nodiscard, gnu::noinline]] Entry& entry(int rank) {
    if (!indexes_.empty()) {
      if (Entry* const found = indexes_.back()->place_of(rank).load(std::memory_order_relaxed)) {
        return *found;
      }
    }
    if (indexes_.empty() || 2 * entries_.size() >= indexes_.back()->places.size()) grow();
    Entry* const added = entries_.emplace_back(std::make_unique<Entry>(rank)).get();
    indexes_.back()->place_of(rank).store(added, std::memory_order_release);
    return *added;
  }
  void grow() {
    constexpr std::size_t first_size = 8;
    auto larger =
        std::make_unique<Index>(indexes_.empty() ? first_size : 2 * indexes_.back()->places.size());
    for (const auto& entry : entries_) {
      larger->place_of(entry->rank).store(entry.get(), std::memory_order_relaxed);
    }
    index_.store(indexes_.emplace_back(std::move(larger)).get(), std::memory_order_release);
  }

  int size_;
  std::unique_ptr<T[]> row_;  // null: by index
  std::atomic<const Index*> index_{nullptr};
  // The last one is in use. A reader may still be in one before: these take together as much memory
  // as it does.
  std::vector<std::unique_ptr<Index>> indexes_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace rankwire
