#include <doctest/doctest.h>

#include <cstdlib>

#include "rankwire/backend/backend.hpp"

using rankwire::launcher_world;

namespace {

constexpr const char* variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS",
                                     "SLURM_STEP_ID", "PMIX_RANK"};

void only(std::initializer_list<std::pair<const char*, const char*>> set) {
  for (const char* const name : variables) unsetenv(name);
  for (const auto& [name, value] : set) setenv(name, value, 1);
}

}  // namespace

TEST_CASE("launcher: its variables say the size of the world") {
  only({});
  CHECK_FALSE(launcher_world());
  only({{"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_RANK", "0"}});
  CHECK(launcher_world()->size == 4);
  CHECK(launcher_world()->variable == "OMPI_COMM_WORLD_SIZE");
  only({{"PMI_SIZE", "1"}});
  CHECK(launcher_world()->size == 1);
  only({{"PMI_SIZE", "many"}});
  CHECK(launcher_world()->size == 0);
  only({{"PMIX_RANK", "3"}});
  CHECK(launcher_world()->size == 0);
  only({});
}

TEST_CASE("launcher: a shell inside a Slurm job is not one") {
  only({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_STEP_ID", "0"}});
  CHECK(launcher_world()->size == 8);
  only({{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_STEP_ID", "4294967290"}});
  CHECK_FALSE(launcher_world());
  only({});
}
