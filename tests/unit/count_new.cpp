#include "count_new.hpp"

#include <cstdlib>
#include <new>

// In a file of its own: where the compiler sees both, it takes inlined deletes for mismatched ones.

namespace {
Allocated allocated;
}

Allocated allocated_so_far() {
  return allocated;
}

void* operator new(std::size_t size) {
  allocated.bytes += size;
  ++allocated.times;
  if (void* const block = std::malloc(size == 0 ? 1 : size)) return block;
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
