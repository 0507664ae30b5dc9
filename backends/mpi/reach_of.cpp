#include "reach_of.hpp"

#include <fmt/format.h>
#include <link.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "eager.hpp"
#include "error.hpp"

namespace rankwire::mpi {
namespace {

/// Whether Open MPI has loaded a component of such a name. It unloads what was not chosen
/// (`mpiexec --mca btl self,tcp`).
bool has_loaded(const char* component) {
  const auto look = [](dl_phdr_info* library, std::size_t, void* name) {
    const std::string_view path{library->dlpi_name};
    return path.find(static_cast<const char*>(name)) != path.npos ? 1 : 0;
  };
  std::string name{component};
  return dl_iterate_phdr(look, name.data()) != 0;
}

const char* shared_memory() {
  for (const char* const transport : {"vader", "sm"}) {
    if (has_loaded(fmt::format("mca_btl_{}.", transport).c_str())) return transport;
  }
  return nullptr;
}

/// What MPI itself says that it sends at once to ranks of this host, and to others. 0: it does not.
std::array<std::uint64_t, 2> ask_for_bytes() {
  // Other ways than this one, or other networks, have other limits.
  if (!has_loaded("mca_pml_ob1.")) return {};
  const bool only_tcp = !has_loaded("mca_btl_openib.") && !has_loaded("mca_btl_uct.") &&
                        !has_loaded("mca_btl_ofi.") && !has_loaded("mca_btl_usnic.") &&
                        !has_loaded("mca_btl_ugni.") && !has_loaded("mca_btl_portals4.");
  const std::uint64_t far = only_tcp ? ask_eager("tcp").value_or(0) : 0;
  const char* const transport = shared_memory();
  return {transport != nullptr ? ask_eager(transport).value_or(0) : far, far};
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

/// Measures between two hosts.
std::size_t measure_between(MPI_Comm comm, MPI_Comm host) {
  int at_host = 0;
  check(MPI_Comm_rank(host, &at_host), "MPI_Comm_rank");
  MPI_Comm firsts = MPI_COMM_NULL;  // of each host
  check(MPI_Comm_split(comm, at_host == 0 ? 0 : MPI_UNDEFINED, 0, &firsts), "MPI_Comm_split");
  if (firsts == MPI_COMM_NULL) return eager_bytes_max;
  const std::size_t bytes = measure_eager(firsts);
  check(MPI_Comm_free(&firsts), "MPI_Comm_free");
  return bytes;
}

}  // namespace

Reach reach_of(MPI_Comm comm, MPI_Comm host) {
  Reach reach;
  int shared = shared_memory() != nullptr ? 1 : 0;
  check(MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_INT, MPI_MIN, host), "MPI_Allreduce");
  reach.shared = shared != 0;
  int size = 0, on_host = 0;
  check(MPI_Comm_size(comm, &size), "MPI_Comm_size");
  check(MPI_Comm_size(host, &on_host), "MPI_Comm_size");
  auto bytes = ask_for_bytes();
  const auto agree = [&] {
    check(MPI_Allreduce(MPI_IN_PLACE, bytes.data(), bytes.size(), MPI_UINT64_T, MPI_MIN, comm),
          "MPI_Allreduce");
  };
  agree();
  const bool has_far = on_host < size;  // alike on all ranks
  if (bytes[0] == 0 || (bytes[1] == 0 && has_far)) {
    if (bytes[0] == 0) bytes[0] = measure_eager(host);
    if (bytes[1] == 0) bytes[1] = has_far ? measure_between(comm, host) : eager_bytes_max;
    agree();
  }
  reach.near_bytes = bytes[0];
  reach.far_bytes = has_far ? bytes[1] : bytes[0];
  reach.near.resize(static_cast<std::size_t>(size));
  for (const int rank : ranks_of(host, comm)) reach.near[static_cast<std::size_t>(rank)] = true;
  return reach;
}

}  // namespace rankwire::mpi
