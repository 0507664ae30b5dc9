#include <mpi.h>

#include "ways/baseline.hpp"

namespace comparison {
namespace {

/// MPI_Send and MPI_Recv, whose receiver knows the size; MPI_Isend and MPI_Irecv for bursts of a
/// few large messages, which are all posted before they come. Payloads below 2 GiB. An error ends
/// the job, as MPI's default is; so does the death of the other side.
class MpiLink {
 public:
  MpiLink() {
    // Of its own, so that rankwire's traffic and this cannot meet. Left to MPI_Finalize.
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
  }

  void make(std::size_t bytes) { use(sending_ ? posted_ : lone, bytes); }
  [[nodiscard]] std::span<std::byte> payload() { return {slot(), size_}; }

  void send(int to) {
    if (!sending_) {
      MPI_Send(slot(), static_cast<int>(size_), MPI_BYTE, to, tag, comm_);
      return;
    }
    MPI_Isend(slot(), static_cast<int>(size_), MPI_BYTE, to, tag, comm_, &requests_[posted_++]);
  }

  int receive(int from) {
    if (waited_ < posted_ && !sending_) {
      at_ = waited_++;
      MPI_Wait(&requests_[at_], MPI_STATUS_IGNORE);
      size_ = expected_;
      return from;
    }
    use(lone, expected_);
    if (from != rankwire::any_source) {
      MPI_Recv(slot(), static_cast<int>(size_), MPI_BYTE, from, tag, comm_, MPI_STATUS_IGNORE);
      return from;
    }
    MPI_Status status;
    MPI_Recv(slot(), static_cast<int>(size_), MPI_BYTE, MPI_ANY_SOURCE, tag, comm_, &status);
    return status.MPI_SOURCE;
  }

  void expect(std::size_t bytes, int count, int from) {
    begin(count == 1 || from == rankwire::any_source ? 1 : count);
    expected_ = bytes;
    if (requests_.size() < 2) return;
    for (; posted_ < requests_.size(); ++posted_) {
      use(posted_, bytes);
      MPI_Irecv(slot(), static_cast<int>(bytes), MPI_BYTE, from, tag, comm_, &requests_[posted_]);
    }
  }

  void burst(int count) {
    begin(count);
    sending_ = requests_.size() > 1;
  }

  void flush() {
    MPI_Waitall(static_cast<int>(posted_), requests_.data(), MPI_STATUSES_IGNORE);
    begin(1);
  }

 private:
  static constexpr int tag = 1;
  static constexpr int posted_max = 64;
  static constexpr std::size_t lone = posted_max;  // the memory of messages that are in no burst

  void begin(int count) {
    requests_.assign(static_cast<std::size_t>(count <= posted_max ? count : 1), MPI_REQUEST_NULL);
    sending_ = false;
    posted_ = waited_ = 0;
    at_ = lone;
  }
  void use(std::size_t at, std::size_t bytes) {
    at_ = at;
    size_ = bytes;
    if (memory_[at_].size() < bytes) memory_[at_].resize(bytes);
  }
  [[nodiscard]] std::byte* slot() { return memory_[at_].data(); }

  MPI_Comm comm_ = MPI_COMM_NULL;
  std::vector<std::vector<std::byte>> memory_{posted_max + 1};  // each for a message under way
  std::vector<MPI_Request> requests_{MPI_REQUEST_NULL};
  std::size_t at_ = lone, posted_ = 0, waited_ = 0;
  std::size_t size_ = 0, expected_ = 0;
  bool sending_ = false;
};

}  // namespace

std::unique_ptr<Way> open_mpi_baseline(rankwire::Channel& world) {
  const rankwire::Channel::Use use{world};
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0) throw rankwire::UsageError{"rankwire's channel did not initialize MPI"};
  return std::make_unique<WayOver<MpiLink>>("raw", "MPI_Send, MPI_Recv of known size");
}

}  // namespace comparison
