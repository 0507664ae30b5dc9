#pragma once

#include <cstddef>
#include <string>

#include "results/results.hpp"

namespace comparison {

/// A thorough run writes some hundred figures; this much bounds what a wrong file can make us do.
inline constexpr std::size_t results_bytes_max = std::size_t{16} << 20;

/// The results as docs/compare-json.md has it. What from_json reads of it is what was written, to
/// the last bit. Text that is not UTF-8 (the name of a host) gets replacement characters. Throws
/// rankwire::Error for a number that JSON has no way to write (not finite).
[[nodiscard]] std::string to_json(const Results& results);

/// Reads what to_json has written. Throws rankwire::UsageError, with the file's name and the place
/// in it, for what is damaged, another format, or a newer version of it. Fields that it does not
/// know are passed over: a later rankwire of the same version may have added them.
[[nodiscard]] Results from_json(const std::string& text, const std::string& file_name);

}  // namespace comparison
