#include "rankwire/backend/progress.hpp"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "channel/process_mark.hpp"

namespace rankwire {
namespace {

/// The threads of this process. exit() ends them before it destroys what they use.
struct Threads {
  std::mutex mutex;
  std::vector<Progress*> all;
  unsigned process = process_mark();
};
Threads& threads() {
  static auto& threads = *new Threads;
  return threads;
}

/// No signal goes to a thread that begins while this lives: handlers run in the program's threads.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Progress::Progress(Handover& handover, std::function<Moved()> move_on)
    : handover_{handover}, move_on_{std::move(move_on)}, stopping_{eventfd(0, EFD_CLOEXEC)} {
  if (stopping_ < 0) throw std::system_error{errno, std::generic_category(), "eventfd"};
  Threads& others = threads();
  const std::lock_guard lock{others.mutex};
  static const int registered = std::atexit(stop_all);
  (void)registered;
  if (others.process != process_mark()) {
    others.all.clear();
    others.process = process_mark();
  }
  others.all.push_back(this);
  const NoSignals none;
  try {
    thread_ = std::thread{[this] { run(); }};
  } catch (...) {
    others.all.pop_back();
    ::close(stopping_);
    throw;
  }
}

Progress::~Progress() {
  {
    Threads& others = threads();
    const std::lock_guard lock{others.mutex};
    std::erase(others.all, this);
  }
  stop();
  ::close(stopping_);
}

void Progress::stop_all() {
  Threads& others = threads();
  // In a forked process the threads do not exist, and one of them may hold the lock for ever.
  if (others.process != process_mark()) return;
  const std::lock_guard lock{others.mutex};
  for (Progress* const progress : others.all) progress->stop();
}

void Progress::stop() {
  stops_ = true;
  eventfd_write(stopping_, 1);
  handover_.wake();
  // A library that this thread called may end the process by exit().
  const bool is_own = thread_.get_id() == std::this_thread::get_id();
  if (thread_.joinable() && !is_own) thread_.join();
}

bool Progress::sleep(std::chrono::microseconds time, int file) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const timespec limit{seconds.count(), std::chrono::nanoseconds{time - seconds}.count()};
  std::array<pollfd, 2> files{{{stopping_, POLLIN, 0}, {file, POLLIN, 0}}};
  return ppoll(files.data(), files.size(), &limit, nullptr) > 0 && files[1].revents != 0;
}

void Progress::run() {
  pthread_setname_np(pthread_self(), "rankwire");
  auto interval = interval_called;
  auto calls = handover_.calls();
  Moved moved;
  while (!stops_) {
    const bool woken = sleep(interval, moved.file);
    if (stops_) return;
    const auto before = std::exchange(calls, handover_.calls());
    const bool called = before != calls;
    moved = {};
    if (!handover_.in_call() && handover_.try_take()) {
      moved = move_on_();
      handover_.give_back();
    } else if (!called) {
      handover_.doze(calls, stops_);
    }
    // What has come may be a call's; or no work, and then this must not spin.
    if (called || handover_.in_call() || moved.found || woken) moved.file = -1;
    if (called || handover_.in_call()) {
      interval = interval_called;
    } else if (moved.found) {
      interval = interval_min;
    } else {
      interval = moved.file >= 0 ? interval_of_file : std::min(2 * interval, interval_max);
    }
  }
}

}  // namespace rankwire
