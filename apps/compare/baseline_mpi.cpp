#include <mpi.h>

#include "baseline.hpp"

namespace comparison {
namespace {

/// MPI_Send and MPI_Mprobe + MPI_Mrecv, since the receiver does not know the size. Payloads below
/// 2 GiB. An error ends the job, as MPI's default is; so does the death of the other side.
class MpiLink {
 public:
  explicit MpiLink(int other) : other_{other} {
    // Of its own, so that rankwire's traffic and this cannot meet. Left to MPI_Finalize.
    MPI_Comm_dup(MPI_COMM_WORLD, &comm_);
  }
  void make(std::size_t bytes) {
    size_ = bytes;
    if (memory_.size() < bytes) memory_.resize(bytes);
  }
  [[nodiscard]] std::span<std::byte> payload() { return {memory_.data(), size_}; }
  void send() { MPI_Send(memory_.data(), static_cast<int>(size_), MPI_BYTE, other_, tag, comm_); }
  void receive() {
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    MPI_Mprobe(other_, tag, comm_, &message, &status);
    int bytes = 0;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    make(static_cast<std::size_t>(bytes));
    MPI_Mrecv(memory_.data(), bytes, MPI_BYTE, &message, MPI_STATUS_IGNORE);
  }

 private:
  static constexpr int tag = 1;
  int other_;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::vector<std::byte> memory_;
  std::size_t size_ = 0;
};

}  // namespace

std::unique_ptr<Baseline> open_mpi_baseline(rankwire::Channel& world) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0) throw rankwire::UsageError{"rankwire's channel did not initialize MPI"};
  return std::make_unique<BaselineOver<MpiLink>>("MPI_Send, MPI_Mprobe, MPI_Mrecv",
                                                 world.rank() == 0 ? 1 : 0);
}

}  // namespace comparison
