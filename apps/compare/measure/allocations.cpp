#include "measure/allocations.hpp"

#include <atomic>
#include <cstddef>

#if defined(__has_feature)  // clang's way to say so
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COMPARE_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COMPARE_SANITIZED 1
#endif

#if defined(__GLIBC__) && !defined(COMPARE_SANITIZED)
#define COMPARE_COUNTS_ALLOCATIONS 1
#else
#define COMPARE_COUNTS_ALLOCATIONS 0
#endif

namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> count{0};

}  // namespace

#if COMPARE_COUNTS_ALLOCATIONS

// In front of glibc's, which lets a program do so: libraries come here too.

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): glibc's names.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

static void note() {
  if (counting.load(std::memory_order_relaxed)) count.fetch_add(1, std::memory_order_relaxed);
}

void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  note();
  return __libc_calloc(number, size);
}

void* realloc(void* block, std::size_t size) {
  note();
  return __libc_realloc(block, size);
}

}  // extern "C"

#endif

namespace comparison {

bool counts_allocations() {
  return COMPARE_COUNTS_ALLOCATIONS != 0;
}

void start_counting_allocations() {
  counting.store(true, std::memory_order_relaxed);
}

std::uint64_t allocations_so_far() {
  return count.load(std::memory_order_relaxed);
}

}  // namespace comparison
