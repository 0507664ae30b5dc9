#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rankwire {

/// Of `known`, the one that takes the fewest inserted, removed, replaced or swapped characters to
/// become `name`; empty when none is like it (more than a third of it would have to change).
[[nodiscard]] std::string nearest_slip(std::string_view name, std::span<const std::string> known);

/// Of `known`, the shortest that begins with `name`, or else the nearest slip.
[[nodiscard]] std::string nearest_name(std::string_view name, std::span<const std::string> known);

}  // namespace rankwire
