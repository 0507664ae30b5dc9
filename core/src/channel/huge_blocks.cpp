#include "channel/huge_blocks.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>

namespace rankwire {
namespace {

constexpr std::size_t page_bytes = std::size_t{2} << 20;
constexpr std::size_t kept_bytes_max = std::size_t{128} << 20;

std::mutex mutex;
std::array<HugeBlock*, 64> kept;  // the oldest first
std::size_t kept_count = 0;
std::size_t kept_bytes = 0;

/// The thread that forks holds the lock meanwhile. Otherwise another thread might hold it, which
/// does not exist in the new process and could never unlock it. (The system's allocator does the
/// same.)
[[maybe_unused]] const int guarded =
    pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

HugeBlock* remove(std::size_t index) {
  HugeBlock* const block = kept[index];
  std::copy(kept.begin() + index + 1, kept.begin() + kept_count, kept.begin() + index);
  --kept_count;
  kept_bytes -= block->bytes;
  return block;
}

void unmap(HugeBlock* block) {
  munmap(block->data, block->bytes);
  delete block;
}

/// Maps memory that is aligned to a huge page. mmap alone aligns to a small one.
std::byte* map(std::size_t bytes) {
  void* const all =
      mmap(nullptr, bytes + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(all);
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(all) % page_bytes;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + bytes, page_bytes - before);
#ifdef MADV_HUGEPAGE
  madvise(begin + before, bytes, MADV_HUGEPAGE);  // if refused, the pages stay small
#endif
  return begin + before;
}

}  // namespace

HugeBlock* take_huge_block(std::size_t bytes) noexcept {
  {
    const std::lock_guard lock{mutex};
    for (std::size_t i = kept_count; i-- > 0;) {  // latest first: it may still be in the cache
      if (kept[i]->bytes >= bytes && kept[i]->bytes / 2 <= bytes) return remove(i);
    }
  }
  if (bytes > PTRDIFF_MAX - 2 * page_bytes) return nullptr;
  auto block = std::unique_ptr<HugeBlock>{new (std::nothrow) HugeBlock};
  if (block == nullptr) return nullptr;
  block->bytes = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  block->data = map(block->bytes);
  return block->data == nullptr ? nullptr : block.release();
}

void give_back_huge_block(void* context) noexcept {
  auto* const block = static_cast<HugeBlock*>(context);
  if (block->bytes > kept_bytes_max) return unmap(block);
  const std::lock_guard lock{mutex};
  while (kept_count == kept.size() || kept_bytes + block->bytes > kept_bytes_max) unmap(remove(0));
  kept[kept_count++] = block;
  kept_bytes += block->bytes;
}

}  // namespace rankwire
