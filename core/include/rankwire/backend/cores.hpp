#pragma once

#include <bitset>
#include <filesystem>
#include <optional>

namespace rankwire {

/// Cores of one host, by number.
using Cores = std::bitset<1024>;

/// The cores that this process may run on (its affinity). Empty if the kernel does not say.
[[nodiscard]] Cores allowed_cores();

/// How many cores' worth of time the control groups of this process grant it (cpu.max of cgroup
/// v2). Nothing if they set no bound. Tests give other `proc` and `groups`.
[[nodiscard]] std::optional<double> core_quota(
    const std::filesystem::path& proc = "/proc/self/cgroup",
    const std::filesystem::path& groups = "/sys/fs/cgroup");

/// How many of the `allowed` cores can be busy at a time under the quota. At least 1.
[[nodiscard]] int usable_cores(const Cores& allowed, std::optional<double> quota);

}  // namespace rankwire
