#include "crowd.hpp"

#include <array>

#include "error.hpp"
#include "rankwire/backend/cores.hpp"

namespace rankwire::mpi {
namespace {

/// A mark for each core, in a form that MPI can combine on any machine.
using Marks = std::array<unsigned char, Cores{}.size()>;

Marks marks_of(const Cores& cores) {
  Marks marks{};
  for (std::size_t core = 0; core < cores.size(); ++core) marks[core] = cores[core] ? 1 : 0;
  return marks;
}

Cores cores_of(const Marks& marks) {
  Cores cores;
  for (std::size_t core = 0; core < cores.size(); ++core) cores[core] = marks[core] != 0;
  return cores;
}

}  // namespace

Crowd crowd_of(MPI_Comm host) {
  Crowd crowd;
  check(MPI_Comm_size(host, &crowd.ranks), "MPI_Comm_size");
  Marks marks = marks_of(allowed_cores());
  check(MPI_Allreduce(MPI_IN_PLACE, marks.data(), static_cast<int>(marks.size()), MPI_UNSIGNED_CHAR,
                      MPI_MAX, host),
        "MPI_Allreduce");
  crowd.cores = usable_cores(cores_of(marks), core_quota());
  return crowd;
}

}  // namespace rankwire::mpi
