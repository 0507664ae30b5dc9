#pragma once

#include <atomic>

namespace rankwire {

extern std::atomic<unsigned> forks;

/// Another number in a process than in the one that it was forked from, however often. A pid might
/// do, but costs a system call each time. Safe in a signal handler.
[[nodiscard]] inline unsigned process_mark() noexcept {
  return forks.load(std::memory_order_relaxed);
}

}  // namespace rankwire
