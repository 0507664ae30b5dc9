#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace rankwire {

/// The folders of this process's control group (cgroup v2) and of all that enclose it, whose bounds
/// apply, too. The outermost comes first. Tests give other `proc` and `groups`.
[[nodiscard]] std::vector<std::filesystem::path> enclosing_groups(
    const std::filesystem::path& proc = "/proc/self/cgroup",
    const std::filesystem::path& groups = "/sys/fs/cgroup");

/// The memory that this host has, or less if control groups grant less (memory.max).
[[nodiscard]] std::uint64_t host_memory_bytes(
    const std::filesystem::path& proc = "/proc/self/cgroup",
    const std::filesystem::path& groups = "/sys/fs/cgroup");

}  // namespace rankwire
