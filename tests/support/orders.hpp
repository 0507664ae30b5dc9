#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace support {

/// What other threads ask of a thread that polls files.
class Orders {
 public:
  /// Throws std::runtime_error when the system gives no eventfd.
  Orders();
  ~Orders();
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  /// Has that thread run `what`, and waits until it has.
  void give(const std::function<void()>& what);
  /// On that thread: runs what was asked for.
  void take();
  /// A file that can be read when there is something to take.
  [[nodiscard]] int wake() const { return wake_; }

 private:
  int wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> orders_;  // guarded by mutex_
};

}  // namespace support
