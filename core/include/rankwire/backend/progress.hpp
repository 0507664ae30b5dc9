#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "rankwire/backend/handover.hpp"

namespace rankwire {

/// The thread that moves a channel on while its program computes (clause 15). It comes
/// `interval_called` after it saw a call, unless one is inside: that does the same. While there is
/// something to do it comes again soon, and less and less often while there is not, down to every
/// `interval_max`; or when a file of the transport can be read. It sleeps in between, and through a
/// call that waits.
class Progress {
 public:
  struct Moved {
    bool found = false;  ///< there was something to do
    /// Can be read once there is something to do again, but for what a time brings that may be late
    /// by `interval_of_file`. -1: nothing but time tells.
    int file = -1;
  };
  /// Starts the thread. It calls `move_on` while the program is outside (Handover). That does a
  /// bounded amount of work, ends soon when Handover::is_wanted(), and throws nothing. Throws
  /// std::system_error if there is no thread to be had. Signals go to other threads.
  Progress(Handover& handover, std::function<Moved()> move_on);
  /// Ends the thread, and waits for that, at most as long as one `move_on` takes.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  static constexpr std::chrono::microseconds interval_min{200}, interval_called{25'000},
      interval_max{60'000},  // clause 15 promises 100 ms
      interval_of_file{500'000};

  void run();
  /// Sleeps for `time`, until `file` can be read (true then), or until the thread is to end.
  bool sleep(std::chrono::microseconds time, int file) const;
  void stop();
  static void stop_all();

  Handover& handover_;
  std::function<Moved()> move_on_;
  int stopping_;  // an eventfd: ends a sleep
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

}  // namespace rankwire
