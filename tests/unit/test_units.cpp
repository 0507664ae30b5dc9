#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/units.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

TEST_CASE("durations: a whole number with a unit") {
  CHECK(parse_duration("500us") == 500us);
  CHECK(parse_duration("10ms") == 10ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("2min") == 2min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("0s") == 0s);
  CHECK_THROWS_WITH_AS((void)parse_duration("10"),
                       "'10' is not a duration: it has no unit; say 10s or 10ms", UsageError);
  for (const std::string text : {"", "s", "-1s", "1.5s", "1 s", "1sec", "1S", "s1", "+1s",
                                 "99999999999999999999s", "9223372036854775807h"}) {
    CAPTURE(text);
    CHECK_THROWS_AS((void)parse_duration(text), UsageError);
  }
  CHECK_THROWS_WITH_AS((void)parse_duration("99999999999999999999s"),
                       "'99999999999999999999s' is too large: 9223372036854s is the most",
                       TooLarge);
  CHECK_THROWS_WITH_AS((void)parse_duration("2562047789h"),
                       "'2562047789h' is too large: 2562047788h is the most", TooLarge);
  CHECK(parse_duration("2562047788h") == 2562047788h);
  for (const auto& [text, meant] : {std::pair{"5m", "5min"},
                                    {"5sec", "5s"},
                                    {"5 s", "5s"},
                                    {"5MS", "5ms"},
                                    {"2hours", "2h"},
                                    {"7\u00b5s", "7us"}}) {
    CHECK_THROWS_WITH_AS((void)parse_duration(text),
                         doctest::Contains(fmt::format("not a duration: say {}; ", meant).c_str()),
                         UsageError);
  }
}

TEST_CASE("sizes: bytes, or a binary unit") {
  CHECK(parse_bytes("65536") == 65536);
  CHECK(parse_bytes("64KiB") == 65536);
  CHECK(parse_bytes("64MiB") == std::uint64_t{64} << 20);
  CHECK(parse_bytes("1GiB") == std::uint64_t{1} << 30);
  for (const std::string text : {"", "KiB", "64KB", "64k", "-1", "1.5MiB", "9999999999TiB"}) {
    CAPTURE(text);
    CHECK_THROWS_AS((void)parse_bytes(text), UsageError);
  }
  CHECK_THROWS_WITH_AS((void)parse_bytes("99999999999GiB"),
                       "'99999999999GiB' is too large: 8589934591GiB is the most", TooLarge);
  for (const auto& [text, meant] :
       {std::pair{"64k", "64KiB"}, {"64MB", "64MiB"}, {"1 gib", "1GiB"}, {"64bytes", "64"}}) {
    CHECK_THROWS_WITH_AS((void)parse_bytes(text),
                         doctest::Contains(fmt::format("not a size: say {}; ", meant).c_str()),
                         UsageError);
  }
}

TEST_CASE("units: what is written can be read") {
  CHECK(duration_text(90s) == "90s");
  CHECK(duration_text(60s) == "1min");
  CHECK(duration_text(1500us) == "1500us");
  CHECK(duration_text(0s) == "0s");
  CHECK(bytes_text(64 << 20) == "64MiB");
  CHECK(bytes_text(65537) == "65537");
  for (const auto duration : {1us, 1000us, 3'600'000'000us, 61'000'000us}) {
    CHECK(parse_duration(duration_text(duration)) == duration);
  }
}

TEST_CASE("nearest name: slips of the finger are recognised, strangers are not") {
  const std::vector<std::string> known{"ranks", "rank", "listen", "join-timeout"};
  CHECK(nearest_name("rnaks", known) == "ranks");
  CHECK(nearest_name("lsten", known) == "listen");
  CHECK(nearest_name("jointimeout", known) == "join-timeout");
  CHECK(nearest_name("zzzzzz", known).empty());
  CHECK(nearest_name("join-t", known) == "join-timeout");
  CHECK(nearest_name("ran", known) == "rank");
  CHECK(nearest_name("r", known).empty());
  CHECK(nearest_slip("join", known).empty());
  CHECK(nearest_name(std::string(1000, 'r'), known).empty());
}

TEST_CASE("units: flags") {
  CHECK(parse_flag("true"));
  CHECK(parse_flag("1"));
  CHECK_FALSE(parse_flag("false"));
  CHECK_FALSE(parse_flag("0"));
  for (const char* const text : {"", "yes", "no", "on", "TRUE", "true ", "10", "\x1b"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS((void)parse_flag(text),
                         doctest::Contains("' is not accepted: true, false, 1 and 0 are"),
                         UsageError);
  }
}
