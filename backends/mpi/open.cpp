#include "open.hpp"

#include <array>
#include <cstdint>

#include "channel.hpp"
#include "error.hpp"
#include "job.hpp"

namespace rankwire::mpi {
namespace {

Comms make_comms(MPI_Comm parent) {
  Comms comms;
  check(MPI_Comm_dup(parent, &comms.slots), "MPI_Comm_dup");
  check(MPI_Comm_dup(parent, &comms.bulk), "MPI_Comm_dup");
  return comms;
}

}  // namespace

std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings) {
  Job& job = Job::enter(settings);
  std::array<std::uint64_t, 2> limits{settings.window_bytes, settings.message_bytes_max};
  check(MPI_Bcast(limits.data(), limits.size(), MPI_UINT64_T, 0, job.comm()), "MPI_Bcast");
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<MpiChannel>(job, settings, Limits{limits[0], limits[1]},
                                                  make_comms(job.comm())));
  return channels;
}

}  // namespace rankwire::mpi
