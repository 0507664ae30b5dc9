#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "parcel.hpp"

namespace rankwire::mpi {

/// Parcels and memory that are used again, so that small messages allocate nothing.
class ParcelStore {
 public:
  explicit ParcelStore(std::size_t slot_bytes) : slot_bytes_{slot_bytes} {}

  /// Adds an empty parcel to the end of `to`.
  Parcels::iterator add(Parcels& to, Parcel::Form form, int dest, int tag);
  void recycle(Parcels& from, Parcels::iterator parcel);
  /// An empty batch of `bytes_max` with room for a note in front.
  [[nodiscard]] std::unique_ptr<Batch> batch(std::size_t bytes_max);
  /// Memory for a note and a first piece.
  [[nodiscard]] std::unique_ptr<std::byte[]> take_head();
  void give_back(std::unique_ptr<std::byte[]> head) {
    if (heads_.size() < heads_max) heads_.push_back(std::move(head));
  }

 private:
  /// At most so much is kept.
  static constexpr std::size_t spares_max = 1024, heads_max = 16;
  static constexpr std::size_t batch_bytes_max = std::size_t{4} << 20U;
  void clear(Parcel& parcel);

  std::size_t slot_bytes_;
  Parcels spares_;
  std::vector<std::unique_ptr<Batch>> batches_;
  std::vector<std::unique_ptr<std::byte[]>> heads_;
};

}  // namespace rankwire::mpi
