#pragma once

#include <mpi.h>

#include <string>

namespace rankwire::mpi {

/// Throws TransportError with what failed and MPI's own text for `code`.
[[noreturn]] void fail(int code, const std::string& doing);

/// Calls fail() unless `code` is MPI_SUCCESS. `call` names the MPI call.
inline void check(int code, const char* call) {
  if (code != MPI_SUCCESS) [[unlikely]]
    fail(code, call);
}

}  // namespace rankwire::mpi
