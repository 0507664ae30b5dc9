#pragma once

#include <cstdint>

namespace comparison {

/// Whether allocations can be counted in this build: a sanitizer has an allocator of its own.
[[nodiscard]] bool counts_allocations();

/// From now on, on all threads of this process. Counting slows every allocation a little.
void start_counting_allocations();

/// How often memory was asked for since start_counting_allocations: malloc, calloc, realloc, and
/// what stands on them (new, the libraries).
[[nodiscard]] std::uint64_t allocations_so_far();

}  // namespace comparison
