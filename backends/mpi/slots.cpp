#include "slots.hpp"

#include <chrono>

#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

Slots::Slots(MPI_Comm comm, std::size_t slot_bytes)
    : stride_bytes_{(slot_bytes + 63) / 64 * 64},
      memory_{std::make_unique_for_overwrite<std::byte[]>(count * stride_bytes_)} {
  requests_.fill(MPI_REQUEST_NULL);
  for (std::size_t i = 0; i < count; ++i) {
    check(MPI_Recv_init(slot(i), static_cast<int>(slot_bytes), MPI_BYTE, MPI_ANY_SOURCE,
                        MPI_ANY_TAG, comm, &requests_[i]),
          "MPI_Recv_init");
    check(MPI_Start(&requests_[i]), "MPI_Start");
  }
}

Slots::~Slots() {
  (void)memory_.release();  // NOLINT(bugprone-unused-return-value): MPI may still write to it
}

std::span<const std::byte> Slots::bytes(const MPI_Status& status) const {
  int bytes = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
  return {slot(next_), static_cast<std::size_t>(bytes)};
}

bool Slots::withdraw() {
  post_again();
  // A receive that has found its message cannot be taken back. It is complete, unless MPI waits for
  // the rest of a message that is larger than MPI sends at once.
  const Deadline deadline{std::chrono::milliseconds{100}};
  for (auto& request : requests_) {
    check(MPI_Cancel(&request), "MPI_Cancel");
    int done = 0;
    do {
      check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    } while (done == 0 && !deadline.expired());
    if (done == 0) return false;
    check(MPI_Request_free(&request), "MPI_Request_free");
  }
  memory_.reset();
  return true;
}

}  // namespace rankwire::mpi
