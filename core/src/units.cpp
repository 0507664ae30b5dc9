#include "rankwire/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: what is written is written in the first that is exact.
constexpr std::array<Unit, 5> duration_units{
    {{"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};
constexpr std::array<Unit, 5> byte_units{{{"TiB", std::uint64_t{1} << 40},
                                          {"GiB", std::uint64_t{1} << 30},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"", 1}}};

/// Whole number and unit in units of factor 1; nothing when the text is anything else.
std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit_begin, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view unit_name{unit_begin, static_cast<std::size_t>(end - unit_begin)};
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  for (const Unit& unit : units) {
    if (unit.name == unit_name && number <= largest / unit.factor) return number * unit.factor;
  }
  return std::nullopt;
}

std::string write(std::uint64_t number, std::span<const Unit> units, std::string_view zero_unit) {
  if (number == 0) return fmt::format("0{}", zero_unit);
  for (const Unit& unit : units) {
    if (number % unit.factor == 0) return fmt::format("{}{}", number / unit.factor, unit.name);
  }
  return {};
}

bool is_bare_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

std::chrono::microseconds parse_duration(std::string_view text) {
  if (const auto count = parse(text, duration_units)) {
    return std::chrono::microseconds{static_cast<std::int64_t>(*count)};
  }
  throw UsageError{fmt::format(
      "'{}' is not a duration: {}", text,
      is_bare_number(text)
          ? fmt::format("it has no unit; say {}s or {}ms", text, text)
          : "a whole number with one of the units us, ms, s, min, h is accepted, as in 500ms")};
}

std::uint64_t parse_bytes(std::string_view text) {
  if (const auto count = parse(text, byte_units)) return *count;
  throw UsageError{
      fmt::format("'{}' is not a size: a whole number of bytes, or one with the unit KiB, MiB, GiB "
                  "or TiB is accepted, as in 64MiB",
                  text)};
}

std::string duration_text(std::chrono::microseconds duration) {
  return write(static_cast<std::uint64_t>(duration.count()), duration_units, "s");
}

std::string bytes_text(std::uint64_t bytes) {
  return write(bytes, byte_units, "");
}

}  // namespace rankwire
