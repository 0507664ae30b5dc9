#include "rankwire/backend/interrupt.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "channel/process_mark.hpp"
#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

std::atomic<unsigned> catching_process{0};  // process_mark() of the process that catches signals
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

/// Called in a handler. The signal ends the process in the ordinary way when the handler returns.
void end_by(int signal_number) {
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

/// Whether this process was forked by a rank. Nobody looks there at signals that were caught.
bool is_forked() {
  return process_mark() != catching_process.load(std::memory_order_relaxed);
}

/// Makes a write to a closed pipe an error. The signal is caught, not ignored: processes that a
/// rank starts would inherit that.
void note_closed_pipe(int signal_number) {
  if (is_forked()) end_by(signal_number);
}

/// A signal handler. Does only what is safe in one.
void remember(int signal_number) {
  if (is_forked()) return end_by(signal_number);
  const int error = errno;
  const int before = caught.load(std::memory_order_acquire);
  if (before == 0) {
    caught_at_ns.store(now_ns(), std::memory_order_relaxed);
    caught.store(signal_number, std::memory_order_release);
  } else if (before != signal_number || now_ns() - caught_at_ns.load(std::memory_order_relaxed) >
                                            std::int64_t{one_interrupt.count()} * 1'000'000) {
    end_by(signal_number);  // the second signal is final
  }
  errno = error;
}

bool is_ignored(int signal_number) {
  struct sigaction now = {};
  sigaction(signal_number, nullptr, &now);
  return now.sa_handler == SIG_IGN;
}

/// Read before main, so it was the parent of this process that ignored the signal.
const bool child_ends_were_ignored = is_ignored(SIGCHLD);

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = remember;
  // No SA_RESTART: a blocking call returns, and the loop around it checks for the signal.
  action.sa_flags = 0;
  sigemptyset(&action.sa_mask);
  catching_process = process_mark();
  for (const int signal_number : {SIGINT, SIGTERM}) {
    // If the signal is ignored, the parent wanted that (nohup, a shell's background job).
    if (!is_ignored(signal_number)) sigaction(signal_number, &action, nullptr);
  }
}

void make_signals_usual() {
  if (child_ends_were_ignored) std::signal(SIGCHLD, SIG_DFL);
  struct sigaction action = {};
  action.sa_handler = note_closed_pipe;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  catching_process = process_mark();
  sigaction(SIGPIPE, &action, nullptr);
}

void check_interrupted() {
  const int signal_number = caught.load(std::memory_order_relaxed);
  if (signal_number == 0) return;
  throw Interrupted{
      fmt::format("interrupted by {}", signal_number == SIGINT ? "SIGINT" : "SIGTERM"),
      signal_number};
}

}  // namespace rankwire
