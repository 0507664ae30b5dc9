#include "reach_of.hpp"

#include <link.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "error.hpp"

namespace rankwire::mpi {
namespace {

/// Whether Open MPI has loaded its shared-memory transport. It unloads what was not chosen
/// (`mpiexec --mca btl self,tcp`).
bool shares_memory() {
  const auto look = [](dl_phdr_info* library, std::size_t, void*) {
    const std::string_view path{library->dlpi_name};
    return path.find("mca_btl_vader") != path.npos || path.find("mca_btl_sm.") != path.npos ? 1 : 0;
  };
  return dl_iterate_phdr(look, nullptr) != 0;
}

/// The ranks of `host`, this one included, by their numbers in `comm`.
std::vector<int> ranks_of(MPI_Comm host, MPI_Comm comm) {
  MPI_Group few = MPI_GROUP_NULL, all = MPI_GROUP_NULL;
  check(MPI_Comm_group(host, &few), "MPI_Comm_group");
  check(MPI_Comm_group(comm, &all), "MPI_Comm_group");
  int size = 0;
  check(MPI_Group_size(few, &size), "MPI_Group_size");
  std::vector<int> in_few(static_cast<std::size_t>(size)), in_all(in_few.size());
  std::iota(in_few.begin(), in_few.end(), 0);
  check(MPI_Group_translate_ranks(few, size, in_few.data(), all, in_all.data()),
        "MPI_Group_translate_ranks");
  check(MPI_Group_free(&few), "MPI_Group_free");
  check(MPI_Group_free(&all), "MPI_Group_free");
  return in_all;
}

}  // namespace

Reach reach_of(MPI_Comm comm, MPI_Comm host) {
  int shared = shares_memory() ? 1 : 0;
  check(MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_INT, MPI_MIN, host), "MPI_Allreduce");
  int self = 0, size = 0;
  check(MPI_Comm_rank(comm, &self), "MPI_Comm_rank");
  check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  Reach reach{std::vector<std::size_t>(static_cast<std::size_t>(size), Reach::far_bytes),
              Reach::near_bytes};
  reach.eager_bytes[static_cast<std::size_t>(self)] = Reach::near_bytes;
  if (shared != 0) {
    for (const int rank : ranks_of(host, comm)) {
      reach.eager_bytes[static_cast<std::size_t>(rank)] = Reach::near_bytes;
    }
  }
  reach.slot_bytes = *std::max_element(reach.eager_bytes.begin(), reach.eager_bytes.end());
  return reach;
}

}  // namespace rankwire::mpi
