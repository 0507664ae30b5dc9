#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "rankwire/errors.hpp"

namespace rankwire {

/// Thrown for a number with a unit that is too large to be represented.
class TooLarge : public UsageError {
 public:
  using UsageError::UsageError;
};

/// Reads a duration: a whole number with a unit, "500us", "10ms", "10s", "2min", "1h". Throws
/// UsageError, with a hint for a number without a unit or a unit by another name. Throws TooLarge.
[[nodiscard]] std::chrono::microseconds parse_duration(std::string_view text);

/// Reads a number of bytes: "65536", "64KiB", "64MiB", "1GiB". Throws UsageError, with a hint for a
/// unit by another name. Throws TooLarge.
[[nodiscard]] std::uint64_t parse_bytes(std::string_view text);

/// Reads a whole number from 1 to `most`. Throws UsageError.
[[nodiscard]] int parse_number(std::string_view text, int most);

/// Reads the value of a flag: "true" or "1", "false" or "0". Throws UsageError.
[[nodiscard]] bool parse_flag(std::string_view text);

/// The text that parse_duration reads, in the largest unit that is exact: "10s".
[[nodiscard]] std::string duration_text(std::chrono::microseconds duration);

/// The text that parse_bytes reads, in the largest unit that is exact: "64MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace rankwire
