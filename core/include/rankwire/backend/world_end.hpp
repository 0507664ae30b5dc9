#pragma once

#include <atomic>
#include <mutex>
#include <string>

namespace rankwire {

/// Whether a rank has aborted the world, and what it said (clause 11). There is one for each rank,
/// or one for all ranks of a process. Any thread may call any function at any time.
class WorldEnd {
 public:
  /// Records that the world has ended: `rank`, in process `pid` on `host`, aborted it because of
  /// `cause`, and this process is to exit with `exit_code`. An empty `host` stands for this
  /// process. The first call counts; later ones change nothing and return false. Where memory is
  /// short, the texts stay empty.
  bool record(int rank, const std::string& host, int pid, int exit_code,
              const std::string& cause) noexcept;
  /// Costs one read of an atomic variable.
  [[nodiscard]] bool has_come() const noexcept { return has_come_.load(std::memory_order_acquire); }
  /// Whether it was that rank that ended the world. Valid once has_come() is true.
  [[nodiscard]] bool is_by(int rank) const noexcept { return rank_ == rank; }
  /// The code that record() was given. Valid once has_come() is true.
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }
  /// Throws Aborted when the world has ended.
  void check() const {
    if (has_come()) [[unlikely]]
      throw_aborted();
  }

 private:
  [[noreturn]] void throw_aborted() const;

  std::mutex mutex_;  // of those who set
  std::atomic<bool> has_come_{false};
  // These do not change any more once has_come_ is true.
  int rank_ = 0;
  std::string host_;
  int pid_ = 0;
  int exit_code_ = 0;
  std::string cause_;
};

}  // namespace rankwire
