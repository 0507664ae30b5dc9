#pragma once

#include <cstddef>

namespace rankwire {

/// Buffers of so many bytes and more have memory in huge pages (2 MiB instead of 4 KiB), where the
/// system gives them to those who ask (Linux with transparent huge pages, `always` or `madvise`):
/// the kernel copies between processes page by page, and payloads of 1 and 4 MiB over MPI take half
/// the time. Elsewhere they are small pages.
inline constexpr std::size_t huge_bytes = std::size_t{1} << 20;

/// Memory of such a Buffer: `bytes` of it in whole huge pages, and `tail_bytes` behind them.
struct HugeBlock {
  static constexpr std::size_t tail_bytes = 4096;  ///< a small page, so that there is always a tail
  std::byte* data = nullptr;
  std::size_t bytes = 0;  ///< at most twice as many as were asked for
};

/// Not initialised, and in pages that cost memory when they are first touched. Null when there is
/// no memory. What is given back is kept for the next, at most 128 MiB in 64 blocks for the whole
/// process: else every page is a fault again, which takes longer than to send it. Any thread may
/// call.
[[nodiscard]] HugeBlock* take_huge_block(std::size_t bytes) noexcept;
/// Ends what take_huge_block gave (a Buffer::Release).
void give_back_huge_block(void* block) noexcept;

}  // namespace rankwire
