#include "count_new.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// In a file of its own: where the compiler sees both, it takes inlined deletes for mismatched ones.

namespace {
std::atomic<std::size_t> bytes{0}, times{0};
}

Allocated allocated_so_far() {
  return {bytes.load(std::memory_order_relaxed), times.load(std::memory_order_relaxed)};
}

void* operator new(std::size_t size) {
  bytes.fetch_add(size, std::memory_order_relaxed);
  times.fetch_add(1, std::memory_order_relaxed);
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc{};
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto boundary = static_cast<std::size_t>(alignment);
  bytes.fetch_add(size, std::memory_order_relaxed);
  times.fetch_add(1, std::memory_order_relaxed);
  if (void* const block = std::aligned_alloc(boundary, (size + boundary - 1) / boundary * boundary))
    return block;
  throw std::bad_alloc{};
}
// A sanitizer has one of its own, which would not fit the delete below.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
