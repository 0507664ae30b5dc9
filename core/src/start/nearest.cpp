#include "rankwire/nearest.hpp"

#include <algorithm>
#include <vector>

namespace rankwire {
namespace {

/// The Damerau-Levenshtein distance, which counts swaps of neighbours. Keeps three rows of the
/// table at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_before(b.size() + 1), before(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_before.swap(before);
    before.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({before[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_slip(std::string_view name, std::span<const std::string> known) {
  constexpr std::size_t name_max = 64;  // a longer name is no slip of the finger
  if (name.size() > name_max) return {};
  std::string nearest;
  std::size_t least = name.size() / 3 + 1;
  for (const std::string& candidate : known) {
    const std::size_t changes = distance(name, candidate);
    if (changes < least) {
      least = changes;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  constexpr std::size_t name_min = 2;  // a single letter says nothing
  std::string shortest;
  for (const std::string& candidate : known) {
    if (name.size() < name_min || !candidate.starts_with(name)) continue;
    if (shortest.empty() || candidate.size() < shortest.size()) shortest = candidate;
  }
  return shortest.empty() ? nearest_slip(name, known) : shortest;
}

}  // namespace rankwire
