#pragma once

#include <mpi.h>

#include <cstddef>
#include <optional>

namespace rankwire::mpi {

/// At most so much counts as sent at once, whatever MPI does: a slot has room for it.
inline constexpr std::size_t eager_bytes_max = std::size_t{64} << 10U;

/// Asks Open MPI how many bytes it sends at once over one of its byte transfer layers. By the
/// function that answers its tool interface, which itself takes 0.2 s to begin. Another MPI has no
/// such function, and then there is no answer.
[[nodiscard]] std::optional<std::size_t> ask_eager(const char* transport);

/// How many bytes MPI sends at once, without asking the receiver: measured from rank 0 to rank 1 of
/// `comm`, to within a part in 64, by some forty messages of up to eager_bytes_max. On other
/// ranks, and in a world of one, eager_bytes_max.
[[nodiscard]] std::size_t measure_eager(MPI_Comm comm);

}  // namespace rankwire::mpi
