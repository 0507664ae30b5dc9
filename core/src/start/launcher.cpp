#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "rankwire/backend/backend.hpp"

namespace rankwire {
namespace {

int number_in(const char* text) {
  int number = 0;
  const char* const end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, number);
  return error == std::errc{} && rest == end && number > 0 ? number : 0;
}

/// Slurm sets the variables of a step also for the batch script and for interactive shells. These
/// steps have reserved ids, and have started nothing in parallel.
bool is_shell_of_slurm() {
  const char* const step = std::getenv("SLURM_STEP_ID");
  if (step == nullptr) return false;
  constexpr unsigned long long first_reserved = 4294967290ULL;
  return std::strtoull(step, nullptr, 10) >= first_reserved;
}

}  // namespace

std::optional<LauncherWorld> launcher_world() {
  // In this order: Open MPI's mpiexec; MPICH's, Intel's and srun --mpi=pmi2; srun with any --mpi.
  constexpr std::array variables{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  for (const char* const variable : variables) {
    const char* const value = std::getenv(variable);
    if (value == nullptr) continue;
    if (std::strcmp(variable, "SLURM_STEP_NUM_TASKS") == 0 && is_shell_of_slurm()) continue;
    return LauncherWorld{variable, number_in(value)};
  }
  if (std::getenv("PMIX_RANK") != nullptr) return LauncherWorld{"PMIX_RANK", 0};
  return std::nullopt;
}

}  // namespace rankwire
