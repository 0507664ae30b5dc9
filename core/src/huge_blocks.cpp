#include "huge_blocks.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <utility>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace rankwire {

#ifdef __GLIBC__
namespace {

constexpr std::size_t kept_bytes_max = std::size_t{128} << 20;

struct Kept {
  void* block = nullptr;
  std::size_t bytes = 0;
};

std::mutex mutex;
std::array<Kept, 4> kept;  // the youngest first
std::size_t kept_bytes = 0;

/// Takes it out of the middle; those behind it move up.
Kept remove(std::size_t index) {
  std::rotate(kept.begin() + static_cast<std::ptrdiff_t>(index),
              kept.begin() + static_cast<std::ptrdiff_t>(index) + 1, kept.end());
  kept_bytes -= kept.back().bytes;
  return std::exchange(kept.back(), {});
}

}  // namespace

void* take_huge(std::size_t bytes) noexcept {
  {
    const std::lock_guard lock{mutex};
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (kept[i].bytes >= bytes && kept[i].bytes / 2 <= bytes) return remove(i).block;
    }
  }
  return std::malloc(bytes);
}

/// Those that are asked for no more go first.
void give_back_huge(void* block) noexcept {
  const std::size_t bytes = malloc_usable_size(block);
  if (bytes > kept_bytes_max) {
    std::free(block);
    return;
  }
  const std::lock_guard lock{mutex};
  while (kept.back().block != nullptr || kept_bytes + bytes > kept_bytes_max) {
    std::size_t oldest = kept.size() - 1;
    while (kept[oldest].block == nullptr) --oldest;
    std::free(remove(oldest).block);
  }
  std::rotate(kept.begin(), kept.end() - 1, kept.end());
  kept.front() = {block, bytes};
  kept_bytes += bytes;
}
#else
void* take_huge(std::size_t bytes) noexcept {
  return std::malloc(bytes);
}

void give_back_huge(void* block) noexcept {
  std::free(block);
}
#endif

}  // namespace rankwire
