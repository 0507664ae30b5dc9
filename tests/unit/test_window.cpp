#include <doctest/doctest.h>

#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "rankwire/backend/window.hpp"

using rankwire::Windows;

namespace {
constexpr std::uint64_t window = 4096;
constexpr std::size_t overhead = Windows::message_overhead_bytes;
}  // namespace

TEST_CASE("windows: room for what fits the window, to the byte") {
  Windows windows{0, 2, window};
  windows.sent(1, 2048 - overhead);
  CHECK(windows.outstanding_bytes(1) == 2048);
  CHECK(windows.has_room(1, 2048 - overhead));
  CHECK_FALSE(windows.has_room(1, 2048 - overhead + 1));
  CHECK(windows.has_room(0, window));  // the other pair is not concerned
}

TEST_CASE("windows: a message of any size finds room below a quarter, not at it") {
  Windows windows{0, 2, window};
  CHECK(windows.has_room(1, 100 * window));
  windows.sent(1, window / 4 - overhead - 1);
  CHECK(windows.has_room(1, 100 * window));
  Windows at_quarter{0, 2, window};
  at_quarter.sent(1, window / 4 - overhead);
  CHECK_FALSE(at_quarter.has_room(1, 100 * window));
}

TEST_CASE("windows: empty messages fill it too") {
  Windows windows{0, 1, window};
  int sent = 0;
  for (; windows.has_room(0, 0) && sent < 1000; ++sent) windows.sent(0, 0);
  CHECK(sent == static_cast<int>(window / overhead));
}

TEST_CASE("windows: a receiver reports its total at each sixteenth taken") {
  Windows windows{0, 2, window};
  CHECK_FALSE(windows.taken(1, window / 16 - overhead - 1));
  CHECK(windows.taken(1, 0) == window / 16 - 1 + overhead);
  CHECK_FALSE(windows.taken(1, 0));
  CHECK(windows.taken(1, window) == window / 16 - 1 + overhead + overhead + window + overhead);
}

TEST_CASE("windows: what a rank takes of its own makes room at once") {
  Windows windows{0, 2, window};
  windows.sent(0, 1000);
  CHECK_FALSE(windows.taken(0, 1000));
  CHECK(windows.outstanding_bytes(0) == 0);
}

TEST_CASE("windows: less than a sixteenth is owed to a sender that it may hold up, and told once") {
  Windows windows{0, 3, window};
  CHECK_FALSE(windows.taken(1, 0));
  CHECK_FALSE(windows.taken(2, 10));
  CHECK(windows.owes());
  std::vector<std::pair<int, std::uint64_t>> told;
  std::uint64_t queued = 0;  // of rank 2
  const auto settle = [&] {
    told.clear();
    windows.settle([&](int source) { return source == 2 ? queued : 0; },
                   [&](int source, std::uint64_t total) { told.emplace_back(source, total); });
  };
  settle();
  CHECK(told.empty());  // neither can be held up
  queued = window / 4 - overhead - 10;
  CHECK_FALSE(windows.owed(2, queued - 1));
  settle();
  CHECK(told == std::vector{std::pair{2, overhead + 10}});
  settle();
  CHECK(told.empty());
  CHECK_FALSE(windows.owed(2, window));
  CHECK_FALSE(windows.taken(1, 0));
  CHECK(windows.owed(1, window / 4 - 2 * overhead) == 2 * overhead);
  settle();
  CHECK(told.empty());
  CHECK_FALSE(windows.owes());
}

TEST_CASE("windows: whatever is owed is told to all a millisecond after the first settling") {
  Windows windows{0, 3, window};
  std::vector<std::pair<int, std::uint64_t>> told;
  const auto settle = [&] {
    windows.settle([](int) { return 0; },
                   [&](int source, std::uint64_t total) { told.emplace_back(source, total); });
  };
  CHECK(windows.settles_at().is_never());
  CHECK_FALSE(windows.taken(1, 0));
  CHECK_FALSE(windows.taken(2, 10));
  settle();
  CHECK(told.empty());
  CHECK(windows.settles_at().remaining() <= std::chrono::milliseconds{1});
  std::this_thread::sleep_for(std::chrono::milliseconds{2});
  settle();
  CHECK(told == std::vector{std::pair{1, overhead}, std::pair{2, overhead + 10}});
  CHECK_FALSE(windows.owes());
  CHECK(windows.settles_at().is_never());
}

TEST_CASE("windows: what a receiver has taken and not reported never holds its sender up") {
  Windows sender{0, 2, window};
  Windows receiver{1, 2, window};
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t payload = static_cast<std::size_t>(i * 37 % 9000);
    REQUIRE(sender.has_room(1, payload));
    sender.sent(1, payload);
    if (const auto total = receiver.taken(0, payload)) sender.credited(1, *total);
  }
}

TEST_CASE("windows: credits that are false, old or repeated change nothing") {
  Windows windows{0, 2, window};
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
  Windows windows{0, 2, window};
  windows.sent(1, 1000);
  CHECK_FALSE(windows.taken(1, 100));
  windows.reset(1);
  CHECK(windows.outstanding_bytes(1) == 0);
  CHECK_FALSE(windows.taken(1, 100));
  CHECK(windows.taken(1, 100) == 200 + 2 * overhead);
}
