#pragma once

#include <atomic>

namespace rankwire {

extern std::atomic<unsigned> forks;

/// A number that differs between a process and those it was forked from. A pid would do, too, but
/// costs a system call each time. Safe in a signal handler.
[[nodiscard]] inline unsigned process_mark() noexcept {
  return forks.load(std::memory_order_relaxed);
}

}  // namespace rankwire
