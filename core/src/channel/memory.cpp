#include "rankwire/memory.hpp"

#include <cstdlib>
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace rankwire {

void keep_freed_memory() {
#ifdef __GLIBC__
  constexpr int block_bytes_max = 32 << 20;  // the most that glibc accepts
  constexpr int free_bytes_max = 128 << 20;
  // A free heap of a thread is given back when the heap before it has this much free (of its 64
  // MiB). Three blocks of 16 MiB fill a heap; without this, the heap of the fourth came and went
  // with each message. The first heap grows by this much at once, in pages that nobody has touched.
  constexpr int heap_free_bytes_max = 48 << 20;
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") != nullptr ||
      std::getenv("MALLOC_TRIM_THRESHOLD_") != nullptr ||
      std::getenv("MALLOC_TOP_PAD_") != nullptr ||
      (tunables != nullptr &&
       std::string_view{tunables}.find("malloc") != std::string_view::npos)) {
    return;
  }
  mallopt(M_MMAP_THRESHOLD, block_bytes_max);
  mallopt(M_TRIM_THRESHOLD, free_bytes_max);
  mallopt(M_TOP_PAD, heap_free_bytes_max);
#endif
}

}  // namespace rankwire
