#pragma once

#include <unistd.h>

#include "system.hpp"

namespace test_system {

/// A command under mpiexec, with more ranks than cores if need be.
inline Command mpiexec(int ranks, const Arguments& program) {
  Command command{Arguments{MPIEXEC, "--oversubscribe", "--bind-to", "none", "--mca",
                            "mpi_yield_when_idle", "1", "-n", std::to_string(ranks)} +
                  program};
  if (getuid() == 0) {
    command.environment = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                           {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"}};
  }
  return command;
}

}  // namespace test_system
