#include "rankwire/backend/interrupt.hpp"

#include <fmt/format.h>

#include <atomic>
#include <csignal>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

std::atomic<int> caught{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler stores into it");

void remember(int signal_number) {
  caught.store(signal_number, std::memory_order_relaxed);
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = remember;
  // No SA_RESTART: a blocking call returns and its loop looks. Reset: the second signal is final.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
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
