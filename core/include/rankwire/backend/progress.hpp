#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "rankwire/backend/handover.hpp"

namespace rankwire {

/// The thread that moves a channel on while its program computes (clause 15). It comes
/// `interval_called` after it saw a call, unless one is inside: that does the same. While there is
/// something to do it comes again soon, and less and less often while there is not, down to every
/// `interval_max`. It sleeps in between, and through a call that waits.
class Progress {
 public:
  /// Starts the thread. It calls `move_on` while the program is outside (Handover). That does a
  /// bounded amount of work, and ends soon when Handover::is_wanted(). It returns whether there
  /// was something to do, and throws nothing. Throws std::system_error if there is no thread to be
  /// had. Signals go to other threads.
  Progress(Handover& handover, std::function<bool()> move_on);
  /// Ends the thread, and waits for that, at most as long as one `move_on` takes.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  static constexpr std::chrono::microseconds interval_min{200}, interval_called{25'000},
      interval_max{80'000};  // clause 15 promises 100 ms

  void run();
  /// Sleeps for `time`. False: the thread is to end.
  bool sleep(std::chrono::microseconds time);
  void stop();
  static void stop_all();

  Handover& handover_;
  std::function<bool()> move_on_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

}  // namespace rankwire
