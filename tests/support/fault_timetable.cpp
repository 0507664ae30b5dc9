#include "fault_timetable.hpp"

#include <algorithm>
#include <utility>

namespace support {

void FaultTimetable::start(FaultSchedule schedule, Clock::time_point now) {
  schedule_ = std::move(schedule);
  begin_sound(now);
}

void FaultTimetable::begin_sound(Clock::time_point now) {
  fault_ = nullptr;
  sound_bytes_ = 0;
  sound_since_ = now;
}

/// Null while one is on, and behind the last.
const Fault* FaultTimetable::next() const {
  return fault_ == nullptr && next_ < schedule_.faults.size() ? &schedule_.faults[next_] : nullptr;
}

std::optional<FaultTimetable::Clock::time_point> FaultTimetable::sound_until() const {
  const Fault* const fault = next();
  if (fault == nullptr || fault->sound_for == fault->sound_for.zero()) return {};
  return sound_since_ + fault->sound_for;
}

std::uint64_t FaultTimetable::sound_bytes_left() const {
  const Fault* const fault = next();
  if (fault == nullptr) return UINT64_MAX;
  return fault->sound_bytes - std::min(fault->sound_bytes, sound_bytes_);
}

bool FaultTimetable::begins(Clock::time_point now) {
  if (fault_ != nullptr) {
    if (now < ends_at_) return false;
    begin_sound(now);
  }
  const auto until = sound_until();
  if (sound_bytes_left() > 0 && !hurried_ && (!until || now < *until)) return false;
  fault_ = &schedule_.faults[next_++];
  ends_at_ = now + fault_->duration;
  hurried_ = false;
  const std::lock_guard lock{mutex_};
  began_.push_back(now);
  return true;
}

std::optional<FaultTimetable::Clock::time_point> FaultTimetable::began(std::size_t fault) const {
  const std::lock_guard lock{mutex_};
  if (fault >= began_.size()) return {};
  return began_[fault];
}

std::size_t FaultTimetable::faults_begun() const {
  const std::lock_guard lock{mutex_};
  return began_.size();
}

}  // namespace support
