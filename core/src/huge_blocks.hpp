#pragma once

#include <cstddef>

namespace rankwire {

/// Memory for Buffers of more than `huge_bytes`, of which what is given back is kept for the next:
/// glibc returns blocks of that size to the system in any case (see keep_freed_memory), and then
/// every page of the next is a fault: 32 MiB to and fro over MPI took 20 ms, of which 6 are their
/// way. At most 128 MiB are kept, in four blocks, for the whole process; any thread may call.
inline constexpr std::size_t huge_bytes = (std::size_t{32} << 20) - 4096;  // less what malloc adds

/// Not initialised; at most twice as large. Null when there is no memory.
[[nodiscard]] void* take_huge(std::size_t bytes) noexcept;
/// Ends what take_huge gave.
void give_back_huge(void* block) noexcept;

}  // namespace rankwire
