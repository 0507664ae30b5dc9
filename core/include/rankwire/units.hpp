#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "rankwire/errors.hpp"

namespace rankwire {

/// A number with a unit, but larger than can be counted.
class TooLarge : public UsageError {
 public:
  using UsageError::UsageError;
};

/// The duration that `text` says: a whole number with a unit, "500us", "10ms", "10s", "2min", "1h".
/// Throws UsageError, with a hint for a bare number and for a unit by another name; TooLarge.
[[nodiscard]] std::chrono::microseconds parse_duration(std::string_view text);

/// The number of bytes that `text` says: "65536", "64KiB", "64MiB", "1GiB". Throws UsageError,
/// with a hint for a unit by another name; TooLarge.
[[nodiscard]] std::uint64_t parse_bytes(std::string_view text);

/// The whole number from 1 to `most` that `text` says. Throws UsageError.
[[nodiscard]] int parse_number(std::string_view text, int most);

/// `duration` as parse_duration reads it, in the largest unit that is exact: "10s".
[[nodiscard]] std::string duration_text(std::chrono::microseconds duration);

/// `bytes` as parse_bytes reads it, in the largest unit that is exact: "64MiB".
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace rankwire
