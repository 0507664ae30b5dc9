#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rankwire {

/// The name in `known` that is closest to `name`: it takes the fewest inserted, removed, replaced
/// or swapped characters. Empty if even that one would have to change by more than a third.
[[nodiscard]] std::string nearest_slip(std::string_view name, std::span<const std::string> known);

/// The shortest name in `known` that begins with `name`; if there is none, nearest_slip().
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace rankwire
