#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace comparison {

/// How much is measured, and for how long.
enum class Length { quick, usual, thorough, check };

/// A round is one turn of rankwire or of a baseline; a pair is a round of each. Large payloads take
/// longer than a round is meant to, since a round has at least a few trips.
struct Plan {
  std::string name;  ///< "quick"
  int pairs = 5;
  std::chrono::duration<double> round{};        ///< latency, record
  std::chrono::duration<double> flood_round{};  ///< bandwidth, rate, fan-in
  std::chrono::duration<double> idle{};
  std::chrono::duration<double> wake_round{};
  std::vector<std::size_t> latency_bytes, bandwidth_bytes;
  std::vector<int> workers;      ///< of fan-in
  std::vector<int> start_ranks;  ///< of the worlds whose start is timed
  int start_pairs = 1;
  std::chrono::seconds world_max{};  ///< after which a world that is measured has hung
};

[[nodiscard]] Plan plan_of(Length length);

/// The measures, in the order in which they are made and shown.
[[nodiscard]] const std::vector<std::string>& all_measures();
/// What --check looks at beside them.
[[nodiscard]] const std::vector<std::string>& check_measures();
/// The transports of one machine, in the same way.
[[nodiscard]] const std::vector<std::string>& all_transports();

}  // namespace comparison
