#include "rankwire/backend/interrupt.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

std::atomic<int> caught{0};
std::atomic<std::int64_t> caught_at_ns{0};
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<std::int64_t>::is_always_lock_free,
              "a signal handler stores into them");

std::int64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// In a signal handler: nothing but what is safe there.
void remember(int signal_number) {
  const int error = errno;
  const int before = caught.load(std::memory_order_acquire);
  if (before == 0) {
    caught_at_ns.store(now_ns(), std::memory_order_relaxed);
    caught.store(signal_number, std::memory_order_release);
  } else if (before != signal_number || now_ns() - caught_at_ns.load(std::memory_order_relaxed) >
                                            std::int64_t{one_interrupt.count()} * 1'000'000) {
    // The second is final: it ends the process the ordinary way, when this handler returns.
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
  errno = error;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = remember;
  // No SA_RESTART: a blocking call returns and its loop looks.
  action.sa_flags = 0;
  sigemptyset(&action.sa_mask);
  for (const int signal_number : {SIGINT, SIGTERM}) {
    struct sigaction before = {};
    sigaction(signal_number, nullptr, &before);
    // Somebody (nohup, a shell's background job) asked for it to be ignored: so be it.
    if (before.sa_handler != SIG_IGN) sigaction(signal_number, &action, nullptr);
  }
}

void check_interrupted() {
  const int signal_number = caught.load(std::memory_order_relaxed);
  if (signal_number == 0) return;
  throw Interrupted{
      fmt::format("interrupted by {}", signal_number == SIGINT ? "SIGINT" : "SIGTERM"),
      signal_number};
}

}  // namespace rankwire
