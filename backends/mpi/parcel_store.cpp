#include "parcel_store.hpp"

#include <utility>

namespace rankwire::mpi {

Parcels::iterator ParcelStore::add(Parcels& to, Parcel::Form form, int dest, int tag) {
  if (spares_.empty()) spares_.emplace_back();
  to.splice(to.end(), spares_, spares_.begin());
  const auto parcel = std::prev(to.end());
  parcel->form = form;
  parcel->dest = dest;
  parcel->tag = tag;
  parcel->weight = parcel->begun = 0;
  parcel->note_begun = parcel->all_begun = false;
  parcel->requests = 0;
  return parcel;
}

void ParcelStore::clear(Parcel& parcel) {
  parcel.payload = Buffer{};
  if (parcel.head) give_back(std::move(parcel.head));
  if (parcel.batch) {
    parcel.batch->clear();
    if (batches_.size() < batch_bytes_max / slot_bytes_)
      batches_.push_back(std::move(parcel.batch));
    parcel.batch.reset();
  }
}

void ParcelStore::recycle(Parcels& from, Parcels::iterator parcel) {
  clear(*parcel);
  if (spares_.size() < spares_max) {
    spares_.splice(spares_.begin(), from, parcel);
  } else {
    from.erase(parcel);
  }
}

std::unique_ptr<Batch> ParcelStore::batch(std::size_t bytes_max) {
  if (batches_.empty() || batches_.back()->bytes_max() != bytes_max)
    return std::make_unique<Batch>(sizeof(Note), bytes_max);
  auto batch = std::move(batches_.back());
  batches_.pop_back();
  return batch;
}

std::unique_ptr<std::byte[]> ParcelStore::take_head() {
  if (heads_.empty()) return std::make_unique_for_overwrite<std::byte[]>(slot_bytes_);
  auto head = std::move(heads_.back());
  heads_.pop_back();
  return head;
}

}  // namespace rankwire::mpi
