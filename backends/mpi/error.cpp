#include "error.hpp"

#include <fmt/format.h>

#include <array>

#include "rankwire/errors.hpp"

namespace rankwire::mpi {

void fail(int code, const std::string& doing) {
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) length = 0;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  throw TransportError{fmt::format("rank {}: {} failed: {}", rank, doing,
                                   length > 0
                                       ? std::string(text.data(), static_cast<std::size_t>(length))
                                       : fmt::format("MPI error code {}", code))};
}

}  // namespace rankwire::mpi
