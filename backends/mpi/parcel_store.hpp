#pragma once

#include <cstddef>
#include <iterator>
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
  /// An empty batch for a message of `bytes_max` with a note in front.
  [[nodiscard]] Batch batch(std::size_t bytes_max);
  /// Memory for a note and a first piece. Who must keep it moves it away.
  [[nodiscard]] Buffer& head() {
    if (head_.empty()) head_ = Buffer{slot_bytes_};
    return head_;
  }

 private:
  /// At most so much is kept.
  static constexpr std::size_t spares_max = 1024, batch_bytes_max = std::size_t{4} << 20U;
  void clear(Parcel& parcel);

  std::size_t slot_bytes_;
  Parcels spares_;
  std::vector<Batch> batches_;
  Buffer head_;
};

}  // namespace rankwire::mpi
