#include "rankwire/backend/progress.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
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

Progress::Progress(Handover& handover, std::function<bool()> move_on)
    : handover_{handover}, move_on_{std::move(move_on)} {
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
}

void Progress::stop_all() {
  Threads& others = threads();
  // In a forked process the threads do not exist, and one of them may hold the lock for ever.
  if (others.process != process_mark()) return;
  const std::lock_guard lock{others.mutex};
  for (Progress* const progress : others.all) progress->stop();
}

void Progress::stop() {
  {
    const std::lock_guard lock{mutex_};
    stops_ = true;
  }
  stopping_.notify_one();
  handover_.wake();
  // A library that this thread called may end the process by exit().
  const bool is_own = thread_.get_id() == std::this_thread::get_id();
  if (thread_.joinable() && !is_own) thread_.join();
}

bool Progress::sleep(std::chrono::microseconds time) {
  std::unique_lock lock{mutex_};
  return !stopping_.wait_for(lock, time, [this] { return stops_.load(); });
}

void Progress::run() {
  pthread_setname_np(pthread_self(), "rankwire");
  auto interval = interval_called;
  auto calls = handover_.calls();
  while (sleep(interval)) {
    const auto before = std::exchange(calls, handover_.calls());
    const bool called = before != calls;
    bool found = false;
    if (!handover_.in_call() && handover_.try_take()) {
      found = move_on_();
      handover_.give_back();
    } else if (!called) {
      handover_.doze(calls, stops_);
    }
    if (called || handover_.in_call()) {
      interval = interval_called;
    } else {
      interval = found ? interval_min : std::min(2 * interval, interval_max);
    }
  }
}

}  // namespace rankwire
