#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "../support/fault_proxy.hpp"
#include "exchange.hpp"
#include "rankwire/settings.hpp"

namespace network {

inline constexpr std::chrono::milliseconds grace{3000};

/// What one run over a broken network came to.
struct Run {
  std::vector<Outcome> ranks;
  std::size_t faults = 0;            ///< that had begun by the end
  std::uint64_t links_redialed = 0;  ///< by way of the proxy, since the schedule could begin
  std::optional<std::chrono::steady_clock::time_point> last_fault_began;

  [[nodiscard]] bool complete() const;
  /// One line a rank.
  [[nodiscard]] std::string text() const;
};

/// When a schedule begins.
enum class Begin : std::uint8_t { rendezvous, world_complete };

/// Whether the ranks have keys, a pair each.
enum class Links : std::uint8_t { open, with_keys };

/// A world whose ranks are threads, and what becomes of its network.
struct Broken {
  int ranks = 2;
  support::FaultSchedule to_master{};  ///< of all links to the master
  std::vector<support::FaultSchedule>
      to_workers{};  ///< of those to worker 1, 2, ...; empty: direct
  Begin begin = Begin::world_complete;
  Links links = Links::open;
};

/// Gives what came of each rank. When one begins to compute, the next fault of each schedule comes
/// at once. Run::faults are those of the links to the master.
[[nodiscard]] Run run_over_faults(const Broken& world, const Exchange& how);
/// The same, where links between workers are direct.
[[nodiscard]] Run run_over_faults(int ranks, const support::FaultSchedule& schedule,
                                  const Exchange& how, Begin begin = Begin::world_complete,
                                  Links links = Links::open);

}  // namespace network
