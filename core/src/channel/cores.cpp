#include "rankwire/backend/cores.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "rankwire/backend/control_groups.hpp"

namespace rankwire {

Cores allowed_cores() {
  static_assert(Cores{}.size() <= CPU_SETSIZE);
  Cores cores;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (std::size_t core = 0; core < cores.size(); ++core) cores[core] = CPU_ISSET(core, &set);
  return cores;
}

namespace {

/// The bound of one group. The file says "QUOTA PERIOD" in microseconds, or "max PERIOD".
std::optional<double> quota_of(const std::filesystem::path& group) {
  std::ifstream file{group / "cpu.max"};
  double quota_us = 0, period_us = 0;
  if (!(file >> quota_us >> period_us) || quota_us <= 0 || period_us <= 0) return std::nullopt;
  return quota_us / period_us;
}

}  // namespace

std::optional<double> core_quota(const std::filesystem::path& proc,
                                 const std::filesystem::path& groups) {
  std::optional<double> least;
  for (const auto& group : enclosing_groups(proc, groups)) {
    if (const auto quota = quota_of(group)) least = std::min(least.value_or(*quota), *quota);
  }
  return least;
}

int usable_cores(const Cores& allowed, std::optional<double> quota) {
  auto cores =
      static_cast<double>(allowed.any() ? allowed.count() : std::thread::hardware_concurrency());
  if (quota) cores = std::min(cores, std::floor(*quota));
  return std::max(1, static_cast<int>(cores));
}

}  // namespace rankwire
