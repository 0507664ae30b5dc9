#include <doctest/doctest.h>

#include "rankwire/backend/window.hpp"

using rankwire::Windows;

namespace {
constexpr std::uint64_t window = 4096;
constexpr std::size_t overhead = Windows::message_overhead_bytes;
}  // namespace

TEST_CASE("windows: room for what fits the window, to the byte") {
  Windows windows{2, window};
  windows.sent(1, 2048 - overhead);
  CHECK(windows.outstanding_bytes(1) == 2048);
  CHECK(windows.has_room(1, 2048 - overhead));
  CHECK_FALSE(windows.has_room(1, 2048 - overhead + 1));
  CHECK(windows.has_room(0, window));  // the other pair is not concerned
}

TEST_CASE("windows: a message of any size finds room below a quarter, not at it") {
  Windows windows{2, window};
  CHECK(windows.has_room(1, 100 * window));
  windows.sent(1, window / 4 - overhead - 1);
  CHECK(windows.has_room(1, 100 * window));
  Windows at_quarter{2, window};
  at_quarter.sent(1, window / 4 - overhead);
  CHECK_FALSE(at_quarter.has_room(1, 100 * window));
}

TEST_CASE("windows: empty messages fill it too") {
  Windows windows{1, window};
  int sent = 0;
  for (; windows.has_room(0, 0) && sent < 1000; ++sent) windows.sent(0, 0);
  CHECK(sent == static_cast<int>(window / overhead));
}

TEST_CASE("windows: a receiver reports its total at each quarter taken") {
  Windows windows{2, window};
  CHECK_FALSE(windows.taken(1, window / 4 - overhead - 1));
  CHECK(windows.taken(1, 0) == window / 4 - 1 + overhead);
  CHECK_FALSE(windows.taken(1, 0));
  CHECK(windows.taken(1, window) == window / 4 - 1 + overhead + overhead + window + overhead);
}

TEST_CASE("windows: what a receiver has taken and not reported never holds its sender up") {
  Windows sender{2, window};
  Windows receiver{2, window};
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t payload = static_cast<std::size_t>(i * 37 % 9000);
    REQUIRE(sender.has_room(1, payload));
    sender.sent(1, payload);
    if (const auto total = receiver.taken(0, payload)) sender.credited(1, *total);
  }
}

TEST_CASE("windows: credits that are false, old or repeated change nothing") {
  Windows windows{2, window};
  windows.sent(1, 1000);
  windows.credited(1, 5000);  // never sent
  CHECK(windows.outstanding_bytes(1) == 1000 + overhead);
  windows.credited(1, 600);
  CHECK(windows.outstanding_bytes(1) == 400 + overhead);
  windows.credited(1, 600);
  windows.credited(1, 100);
  CHECK(windows.outstanding_bytes(1) == 400 + overhead);
  windows.credited(1, 1000 + overhead);
  CHECK(windows.outstanding_bytes(1) == 0);
}

TEST_CASE("windows: a new process begins at zero, both ways") {
  Windows windows{2, window};
  windows.sent(1, 1000);
  CHECK_FALSE(windows.taken(1, 500));
  windows.reset(1);
  CHECK(windows.outstanding_bytes(1) == 0);
  CHECK_FALSE(windows.taken(1, 800));
  CHECK(windows.taken(1, 100) == 900 + 2 * overhead);
}
