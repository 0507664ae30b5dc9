#include "rankwire/backend/control_groups.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace rankwire {
namespace {

/// The process's group, from the line "0::/a/b", as a path below their root.
std::filesystem::path own_group(const std::filesystem::path& proc) {
  std::ifstream file{proc};
  constexpr std::string_view v2 = "0::/";
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(v2)) return line.substr(v2.size());
  }
  return {};
}

}  // namespace

std::vector<std::filesystem::path> enclosing_groups(const std::filesystem::path& proc,
                                                    const std::filesystem::path& groups) {
  std::vector<std::filesystem::path> all{groups};
  for (const auto& part : own_group(proc)) all.push_back(all.back() / part);
  return all;
}

std::uint64_t host_memory_bytes(const std::filesystem::path& proc,
                                const std::filesystem::path& groups) {
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  std::uint64_t least = UINT64_MAX;
  if (pages > 0 && page_bytes > 0) {
    least = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  }
  for (const auto& group : enclosing_groups(proc, groups)) {
    std::ifstream file{group / "memory.max"};
    std::uint64_t bytes = 0;  // the file may say "max"
    if (file >> bytes && bytes > 0) least = std::min(least, bytes);
  }
  return least;
}

}  // namespace rankwire
