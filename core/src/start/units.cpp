#include "rankwire/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"

namespace rankwire {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: a text uses the first unit that is exact.
constexpr std::array<Unit, 5> duration_units{
    {{"h", 3'600'000'000}, {"min", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};
constexpr std::array<Unit, 5> byte_units{{{"TiB", std::uint64_t{1} << 40},
                                          {"GiB", std::uint64_t{1} << 30},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"", 1}}};

constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// A unit as people write it (in lower case), and as it is accepted.
struct Alias {
  std::string_view said, meant;
};
constexpr std::array duration_aliases{
    Alias{"us", "us"},   Alias{"usec", "us"},  Alias{"\u00b5s", "us"}, Alias{"\u03bcs", "us"},
    Alias{"ms", "ms"},   Alias{"msec", "ms"},  Alias{"s", "s"},        Alias{"sec", "s"},
    Alias{"secs", "s"},  Alias{"second", "s"}, Alias{"seconds", "s"},  Alias{"m", "min"},
    Alias{"min", "min"}, Alias{"mins", "min"}, Alias{"minute", "min"}, Alias{"minutes", "min"},
    Alias{"h", "h"},     Alias{"hr", "h"},     Alias{"hrs", "h"},      Alias{"hour", "h"},
    Alias{"hours", "h"}};
constexpr std::array byte_aliases{Alias{"k", "KiB"}, Alias{"kb", "KiB"}, Alias{"kib", "KiB"},
                                  Alias{"m", "MiB"}, Alias{"mb", "MiB"}, Alias{"mib", "MiB"},
                                  Alias{"g", "GiB"}, Alias{"gb", "GiB"}, Alias{"gib", "GiB"},
                                  Alias{"t", "TiB"}, Alias{"tb", "TiB"}, Alias{"tib", "TiB"},
                                  Alias{"b", ""},    Alias{"byte", ""},  Alias{"bytes", ""}};

struct Split {
  std::string_view number, unit;
};

/// Splits a text into its digits and the rest.
Split split(std::string_view text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  return {text.substr(0, end), text.substr(end)};
}

/// The number in units of factor 1. Nothing if it does not fit. `digits` is not empty.
std::optional<std::uint64_t> product_of(std::string_view digits, const Unit& unit) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (parsed.ec != std::errc{} || number > largest / unit.factor) return std::nullopt;
  return number * unit.factor;
}

/// What was probably meant: the same number with an existing unit. Empty if that is not clear.
std::string correction(const Split& parts, std::span<const Alias> aliases) {
  std::string unit{
      parts.unit.substr(std::min(parts.unit.find_first_not_of(' '), parts.unit.size()))};
  for (char& c : unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const Alias& alias : aliases) {
    if (alias.said == unit) return fmt::format("{}{}", parts.number, alias.meant);
  }
  return {};
}

/// Reads a whole number with a unit, and returns it in units of factor 1. In errors, `kind` is what
/// is being read and `accepted` what it should look like.
std::uint64_t parse(std::string_view text, std::span<const Unit> units,
                    std::span<const Alias> aliases, const char* kind, const char* accepted) {
  const Split parts = split(text);
  std::string meant;
  if (!parts.number.empty()) {
    for (const Unit& unit : units) {
      if (unit.name != parts.unit) continue;
      if (const auto number = product_of(parts.number, unit)) return *number;
      throw TooLarge{fmt::format("'{}' is too large: {}{} is the most", printable(text),
                                 largest / unit.factor, unit.name)};
    }
    meant = correction(parts, aliases);
  }
  if (!meant.empty()) meant = fmt::format("say {}; ", meant);
  throw UsageError{fmt::format("'{}' is not a {}: {}{}", printable(text), kind, meant, accepted)};
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
  if (is_bare_number(text)) {
    throw UsageError{
        fmt::format("'{0}' is not a duration: it has no unit; say {0}s or {0}ms", printable(text))};
  }
  const std::uint64_t count =
      parse(text, duration_units, duration_aliases, "duration",
            "a whole number with one of the units us, ms, s, min, h is accepted, as in 500ms");
  return std::chrono::microseconds{static_cast<std::int64_t>(count)};
}

std::uint64_t parse_bytes(std::string_view text) {
  return parse(text, byte_units, byte_aliases, "size",
               "a whole number of bytes, or one with the unit KiB, MiB, GiB or TiB is accepted, as "
               "in 64MiB");
}

int parse_number(std::string_view text, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end || value < 1 || value > most) {
    throw UsageError{
        fmt::format("'{}' is not accepted: a whole number from 1 to {} is", printable(text), most)};
  }
  return value;
}

bool parse_flag(std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  throw UsageError{fmt::format("'{}' is not accepted: true, false, 1 and 0 are", printable(text))};
}

std::string duration_text(std::chrono::microseconds duration) {
  if (duration < duration.zero()) return "-" + duration_text(-duration);
  return write(static_cast<std::uint64_t>(duration.count()), duration_units, "s");
}

std::string bytes_text(std::uint64_t bytes) {
  return write(bytes, byte_units, "");
}

}  // namespace rankwire
