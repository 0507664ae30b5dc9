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
  std::size_t faults = 0;  ///< that had begun by the end
  std::optional<std::chrono::steady_clock::time_point> last_fault_began;

  [[nodiscard]] bool complete() const;
  /// One line a rank.
  [[nodiscard]] std::string text() const;
};

/// The settings of these worlds: a short grace, a window that a large message overflows.
[[nodiscard]] rankwire::Settings fault_settings();

/// A world whose ranks are threads, with every link to the master through a proxy that breaks it
/// once the world is complete; links between workers are direct. Gives what came of each rank.
[[nodiscard]] Run run_over_faults(int ranks, const support::FaultSchedule& schedule,
                                  const Exchange& how,
                                  const rankwire::Settings& settings = fault_settings());

}  // namespace network
