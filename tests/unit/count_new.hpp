#pragma once

#include <cstddef>

/// What global operator new has given out since the program began. Not thread-safe.
struct Allocated {
  std::size_t bytes = 0;
  std::size_t times = 0;
};
[[nodiscard]] Allocated allocated_so_far();
