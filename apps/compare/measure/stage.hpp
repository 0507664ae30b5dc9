#pragma once

#include <rankwire/rankwire.hpp>
#include <variant>
#include <vector>

#include "measure/resources.hpp"
#include "ways/baseline.hpp"

namespace comparison {

/// What rank 0 has the others do next.
struct Task {
  enum class Kind : std::uint8_t { bounce, flood, burst, silence, backlog, pour, over };
  Kind kind = Kind::over;
  WayId way = WayId::rankwire;
  std::uint64_t bytes = stamp_bytes;
  std::int32_t count = 1, workers = 1;  ///< of a flood; count: of a burst, a backlog, what pours
  double seconds = 0;                   ///< of a silence; how long a burst's sender computes
  bool full_window = false;             ///< while it pours

  template <class Archive>
  void serialize(Archive& archive) {
    archive(kind, way, bytes, count, workers, seconds, full_window);
  }
};

/// What came of a task, at rank 0.
struct Played {
  std::vector<double> samples;  ///< seconds; of a silence none
  Resources own;
  std::vector<Resources> others;  ///< of the ranks that took part, in rank order
};

/// Where rankwire and its baselines take turns: the ranks of one world. Rank 0 says what is done
/// next. Every rank makes one; then rank 0 plays, and the others follow.
class Stage {
 public:
  explicit Stage(rankwire::Channel& world);

  [[nodiscard]] rankwire::Channel& world() { return world_; }
  [[nodiscard]] const Place& place() const { return place_; }
  /// Null where this world has no such way.
  [[nodiscard]] Way* way(WayId id) { return ways_[static_cast<std::size_t>(id)].get(); }

  // For rank 0.
  Played play(WayId way, const Bounce& round);
  Played play(WayId way, const Flood& flood);
  Played play(WayId way, const Burst& burst);
  /// All ranks are blocked in a receive for so long.
  Played play_silence(std::chrono::duration<double> time);
  /// `count` messages of rank 1 and as many of its own wait at rank 0 from now on (see
  /// backlog.hpp).
  Played play_backlog(int count);
  /// Calls of rank 0 while `count` messages pour in.
  Played play_pour(int count, bool full_window);
  void end();

  /// For the others: what they are told, until the end.
  void follow();

 private:
  template <class Lead>
  Played lead(const Task& task, Lead&& lead);
  std::uint64_t take_part(const Task& task);
  void be_silent(double seconds);

  rankwire::Channel& world_;
  Place place_;
  Ways ways_;
};

/// Where `world` is: its transport as Figure::transport has it, its hosts.
[[nodiscard]] Place place_of(const rankwire::Channel& world);

}  // namespace comparison
