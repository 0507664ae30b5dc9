#include "channel/process_mark.hpp"

#include <pthread.h>

namespace rankwire {

std::atomic<unsigned> forks{0};

namespace {

void count_fork() {
  forks.fetch_add(1, std::memory_order_relaxed);
}

/// Registered before main, so that a process that is forked before any channel is opened may open
/// one itself.
[[maybe_unused]] const int watched = pthread_atfork(nullptr, nullptr, count_fork);

}  // namespace
}  // namespace rankwire
