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
  const std::uint64_t budget = memory_budget(settings);
  const MemoryLimits own{settings.window_bytes, budget, job.size()};
  std::array<std::uint64_t, 3> limits{own.window_bytes, own.share_bytes,
                                      settings.message_bytes_max};
  check(MPI_Bcast(limits.data(), limits.size(), MPI_UINT64_T, 0, job.comm()), "MPI_Bcast");
  const auto memory = MemoryLimits{limits[0]}.with_share(limits[1], budget, job.size());
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<MpiChannel>(job, settings, Limits{memory, limits[2]},
                                                  make_comms(job.comm())));
  return channels;
}

}  // namespace rankwire::mpi
