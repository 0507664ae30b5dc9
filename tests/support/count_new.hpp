#pragma once

#include <cstddef>

/// What global operator new has given out since the program began, to all threads.
struct Allocated {
  std::size_t bytes = 0;
  std::size_t times = 0;
};
[[nodiscard]] Allocated allocated_so_far();
