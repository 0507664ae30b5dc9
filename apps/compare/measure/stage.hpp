#pragma once

#include <rankwire/rankwire.hpp>
#include <variant>
#include <vector>

#include "measure/spent.hpp"
#include "ways/baseline.hpp"

namespace comparison {

/// What rank 0 has the others do next.
struct Turn {
  enum class Play : std::uint8_t { bounce, flood, silence, backlog, pour, over };
  Play play = Play::over;
  WayId way = WayId::rankwire;
  std::uint64_t bytes = stamp_bytes;
  std::int32_t count = 1, workers = 1;  ///< of a flood; count: of a backlog, and of what pours
  double seconds = 0;                   ///< of a silence
  bool full_window = false;             ///< while it pours

  template <class Archive>
  void serialize(Archive& archive) {
    archive(play, way, bytes, count, workers, seconds, full_window);
  }
};

/// What came of a turn, at rank 0.
struct Played {
  std::vector<double> samples;  ///< seconds; of a silence none
  Spent own;
  std::vector<Spent> others;  ///< of the ranks that took part, in rank order
};

/// Where rankwire and its baselines take turns: the ranks of one world, of which 0 says whose turn
/// it is. Every rank makes one, then rank 0 plays and the others follow.
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
  /// All ranks are blocked in a receive for so long.
  Played play_silence(std::chrono::duration<double> time);
  /// `count` messages of rank 1 and as many of its own wait at rank 0 from now on (see busy.hpp).
  Played play_backlog(int count);
  /// Calls of rank 0 while `count` messages pour in.
  Played play_pour(int count, bool full_window);
  void end();

  /// For the others: what they are told, until the end.
  void follow();

 private:
  template <class Lead>
  Played lead(const Turn& turn, Lead&& lead);
  std::uint64_t take_part(const Turn& turn);
  void be_silent(double seconds);

  rankwire::Channel& world_;
  Place place_;
  Ways ways_;
};

/// Where `world` is: its transport as Figure::transport has it, its hosts.
[[nodiscard]] Place place_of(const rankwire::Channel& world);

}  // namespace comparison
