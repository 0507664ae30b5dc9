#pragma once

#include <mpi.h>

#include <array>
#include <climits>
#include <cstddef>

#include "error.hpp"

namespace rankwire::mpi {

/// A number of bytes as the count and type of one MPI call. MPI counts in int, which is too small
/// for large payloads.
class Extent {
 public:
  explicit Extent(std::size_t bytes) {
    if (bytes <= INT_MAX) [[likely]] {
      count = static_cast<int>(bytes);
    } else {
      derive(bytes);
    }
  }
  /// Calls that were started with the type may go on: MPI keeps it until they are complete.
  ~Extent() {
    if (derived_) MPI_Type_free(&type);
  }
  Extent(const Extent&) = delete;
  Extent& operator=(const Extent&) = delete;
  Extent(Extent&&) = delete;
  Extent& operator=(Extent&&) = delete;

  int count = 1;
  MPI_Datatype type = MPI_BYTE;

 private:
  static constexpr int chunk_bytes = 1 << 30;

  void derive(std::size_t bytes) {
    MPI_Datatype chunk = MPI_DATATYPE_NULL;
    check(MPI_Type_contiguous(chunk_bytes, MPI_BYTE, &chunk), "MPI_Type_contiguous");
    const auto chunks = bytes / chunk_bytes;
    const std::array lengths{static_cast<int>(chunks), static_cast<int>(bytes % chunk_bytes)};
    const std::array places{MPI_Aint{0}, static_cast<MPI_Aint>(chunks * chunk_bytes)};
    const std::array types{chunk, MPI_Datatype{MPI_BYTE}};
    check(MPI_Type_create_struct(2, lengths.data(), places.data(), types.data(), &type),
          "MPI_Type_create_struct");
    derived_ = true;
    check(MPI_Type_free(&chunk), "MPI_Type_free");
    check(MPI_Type_commit(&type), "MPI_Type_commit");
  }

  bool derived_ = false;
};

}  // namespace rankwire::mpi
