#pragma once

#include <cstddef>

namespace rankwire {

/// Buffers of this size or more lie in huge pages (2 MiB instead of 4 KiB), if the system has them
/// (Linux with transparent huge pages, `always` or `madvise`). The kernel copies between processes
/// page by page. Over MPI's shared memory, payloads of 1 and 16 MiB take three quarters of the
/// time, and in a row two thirds; over zmq and TCP there is no difference. Elsewhere the pages are
/// small.
inline constexpr std::size_t huge_bytes = std::size_t{1} << 20;

/// The memory of such a Buffer, in whole huge pages.
struct HugeBlock {
  std::byte* data = nullptr;
  std::size_t bytes = 0;  ///< at most twice as many as were asked for
};

/// Gives a block of at least `bytes`, or null if there is no memory. It is not initialised, and its
/// pages take memory when they are first touched. Blocks that are given back are kept for the next
/// ones, up to 128 MiB in 64 blocks for the whole process: otherwise every page would be a page
/// fault again, which takes longer than sending it. Any thread may call this.
[[nodiscard]] HugeBlock* take_huge_block(std::size_t bytes) noexcept;
/// Gives back a block of take_huge_block. A Buffer::Release.
void give_back_huge_block(void* block) noexcept;

}  // namespace rankwire
