#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "fault_schedule.hpp"

namespace support {

/// How far a proxy has come in its schedule: which fault is on, and when the next begins. Used by
/// the proxy's thread; what has begun may be asked by any.
class FaultTimetable {
 public:
  using Clock = std::chrono::steady_clock;

  /// Begins with the schedule's first sound stretch.
  void start(FaultSchedule schedule, Clock::time_point now);
  /// The sound stretch that is on, if any, ends now.
  void hurry() { hurried_ = fault_ == nullptr && next_ < schedule_.faults.size(); }
  /// So many bytes more were forwarded.
  void note_passed(std::uint64_t bytes) { sound_bytes_ += bytes; }

  /// Whether a fault begins now: it is on then. To be asked until none does.
  [[nodiscard]] bool begins(Clock::time_point now);
  /// The fault that is on; null where none is.
  [[nodiscard]] const Fault* on() const { return fault_; }
  /// When that ends.
  [[nodiscard]] Clock::time_point ends_at() const { return ends_at_; }
  /// When the next fault begins however few bytes have passed.
  [[nodiscard]] std::optional<Clock::time_point> sound_until() const;
  /// How many bytes may still pass before the next fault begins.
  [[nodiscard]] std::uint64_t sound_bytes_left() const;

  /// When the fault of this number (from 0) began; nothing if it has not come.
  [[nodiscard]] std::optional<Clock::time_point> began(std::size_t fault) const;
  [[nodiscard]] std::size_t faults_begun() const;

 private:
  [[nodiscard]] const Fault* next() const;
  void begin_sound(Clock::time_point now);

  FaultSchedule schedule_;
  std::size_t next_ = 0;
  const Fault* fault_ = nullptr;
  Clock::time_point ends_at_, sound_since_;
  std::uint64_t sound_bytes_ = 0;  // since the sound stretch began
  bool hurried_ = false;
  mutable std::mutex mutex_;
  std::vector<Clock::time_point> began_;  // guarded by it
};

}  // namespace support
