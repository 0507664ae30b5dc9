#include "open.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

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

/// Whether ranks are to give signs of life: where a death is not the end of the job anyway, and
/// each rank has a thread that gives them while its program computes.
bool all_give_signs(const Job& job, const Settings& settings) {
  if (!job.survives_deaths()) return false;
  int all = settings.progress_thread && job.allows_thread() ? 1 : 0;
  check(MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_MIN, job.comm()), "MPI_Allreduce");
  return all != 0;
}

}  // namespace

std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings) {
  Job& job = Job::enter(settings);
  const std::uint64_t budget = memory_budget(settings);
  const MemoryLimits own{settings.window_bytes, budget, job.size()};
  std::array<std::uint64_t, 4> numbers{own.window_bytes, own.share_bytes,
                                       settings.message_bytes_max,
                                       static_cast<std::uint64_t>(settings.grace.count())};
  check(MPI_Bcast(numbers.data(), numbers.size(), MPI_UINT64_T, 0, job.comm()), "MPI_Bcast");
  Limits limits{MemoryLimits{numbers[0]}.with_share(numbers[1], budget, job.size()), numbers[2],
                std::nullopt};
  if (all_give_signs(job, settings)) limits.grace = std::chrono::milliseconds{numbers[3]};
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<MpiChannel>(job, settings, limits, make_comms(job.comm())));
  return channels;
}

}  // namespace rankwire::mpi
