#include <fmt/format.h>

#include "open.hpp"
#include "rankwire/backend/backend.hpp"
#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

#if RANKWIRE_WITH_MPI
constexpr auto open_mpi = mpi::open_mpi;
#else
constexpr auto open_mpi = nullptr;
#endif

bool is_meant(const Said& said) {
  return said.launcher.has_value();
}

void check(const Said& said) {
  const auto& ranks = said.settings.ranks;
  const auto& launcher = said.launcher;
  if (said.settings.transport != "mpi" || !launcher || launcher->size == 0 || !ranks ||
      *ranks == launcher->size) {
    return;
  }
  throw UsageError{fmt::format(
      "{} says {} ranks, but the launcher started {} ({}); leave -n of the program out, or make "
      "both agree",
      said.name("ranks"), *ranks, launcher->size, launcher->variable)};
}

std::string not_built(const Said& said) {
  const bool by_launcher = said.source("transport").kind == Source::Kind::standard;
  return fmt::format(
      "{}this program was built without MPI: use --listen/--join or --transport inproc, or "
      "configure it with -DRANKWIRE_WITH_MPI=ON",
      by_launcher
          ? fmt::format("started by mpiexec or srun ({} is set), but ", said.launcher->variable)
          : std::string{});
}

}  // namespace

extern const Backend mpi_backend;
const Backend mpi_backend{.name = "mpi",
                          .open = open_mpi,
                          .is_meant = is_meant,
                          .meant_when = "under mpiexec or srun",
                          .check = check,
                          .not_built = not_built,
                          .launcher_ends_world = true};

}  // namespace rankwire
