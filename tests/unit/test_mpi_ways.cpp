#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <random>

#include "ways.hpp"

using namespace rankwire::mpi;
using namespace std::chrono_literals;

namespace {

using Time = WayTimes::Time;

constexpr std::array both{Way::pieces, Way::announced};

/// A sender and a receiver between which payloads take these times, now and then much longer.
struct Pair {
  Ways ways;
  WayTimes times;
  Time pieces{}, announced{};
  unsigned spread_percent = 10;
  std::mt19937 random{1};

  /// One payload. Returns how it went.
  Way send(std::size_t bytes, bool in_a_row) {
    const auto [way, group] = ways.choose(bytes, in_a_row);
    if (group == 0) return way;
    Time took = way == Way::pieces ? pieces : announced;
    took += took * (random() % spread_percent) / 100;
    if (random() % 4 == 0) took += 4ms;  // the kernel ran another process
    if (const auto verdict = times.add(group, way, took)) {
      ways.learned(verdict->group, verdict->quicker);
    }
    return way;
  }
  /// How many of `messages` payloads go in pieces.
  int count_pieces(int messages, std::size_t bytes, bool in_a_row) {
    int count = 0;
    for (int i = 0; i < messages; ++i) count += send(bytes, in_a_row) == Way::pieces ? 1 : 0;
    return count;
  }
};

}  // namespace

TEST_CASE("mpi ways: sizes are told apart within a factor of two") {
  CHECK(Ways::group_of(4001, false) == 1);
  CHECK(Ways::group_of(8192, false) == 1);
  CHECK(Ways::group_of(8193, false) == 2);
  CHECK(Ways::group_of(65'536, false) == 4);
  CHECK(Ways::group_of(Ways::bytes_max, false) == Ways::groups / 2);
  CHECK(Ways::group_of(8192, true) == 1 + Ways::groups / 2);
  CHECK(Ways::group_of(Ways::bytes_max, true) == Ways::groups);
  CHECK_FALSE(Ways::is_in_a_row(Ways::group_of(Ways::bytes_max, false)));
  CHECK(Ways::is_in_a_row(Ways::group_of(1, true)));
  Ways ways;
  CHECK(ways.choose(Ways::bytes_max + 1, false).way == Way::announced);
  CHECK(ways.choose(Ways::bytes_max + 1, false).group == 0);
}

TEST_CASE("mpi ways: whatever is guessed at first, the quicker way is found") {
  for (const bool in_a_row : {false, true}) {
    for (std::size_t bytes = 5000; bytes <= Ways::bytes_max; bytes *= 2) {
      for (const Way guess : both) {
        for (const Way quicker : both) {
          Pair pair;
          pair.ways.learned(Ways::group_of(bytes, in_a_row), guess);
          pair.pieces = quicker == Way::pieces ? 10us : 13us;
          pair.announced = quicker == Way::pieces ? 13us : 10us;
          pair.count_pieces(8000, bytes, in_a_row);
          CHECK(pair.ways.way(Ways::group_of(bytes, in_a_row)) == quicker);
          // Few go the other way.
          const int pieces = pair.count_pieces(1000, bytes, in_a_row);
          CHECK((quicker == Way::pieces ? 1000 - pieces : pieces) <= 1000 / (in_a_row ? 20 : 50));
        }
      }
    }
  }
}

TEST_CASE("mpi ways: the first guess is put right within a few dozen payloads") {
  for (const Way quicker : both) {
    Pair pair;
    pair.pieces = quicker == Way::pieces ? 10us : 13us;
    pair.announced = quicker == Way::pieces ? 13us : 10us;
    pair.count_pieces(4 * static_cast<int>(WayTimes::samples), 65'536, false);
    const int pieces = pair.count_pieces(50, 65'536, false);
    CHECK((quicker == Way::pieces ? 50 - pieces : pieces) <= 2);
  }
}

TEST_CASE("mpi ways: when the quicker way changes, so does the choice") {
  Pair pair;
  pair.pieces = 10us;
  pair.announced = 13us;
  pair.count_pieces(1000, 30'000, false);
  CHECK(pair.ways.way(Ways::group_of(30'000, false)) == Way::pieces);
  pair.pieces = 17us;
  pair.count_pieces(20000, 30'000, false);
  CHECK(pair.ways.way(Ways::group_of(30'000, false)) == Way::announced);
}

TEST_CASE("mpi ways: a way that is quick only among messages of the other is not chosen") {
  for (const Way guess : both) {
    Ways ways;
    WayTimes times;
    ways.learned(Ways::group_of(16'384, false), guess);
    Way before = guess;
    int announced = 0;
    for (int i = 0; i < 20'000; ++i) {
      const auto [way, group] = ways.choose(16'384, false);
      if (i >= 10'000 && way == Way::announced) ++announced;
      Time took = way == Way::pieces ? 5400ns : 6600ns;
      if (way != before) took = way == Way::pieces ? 5300ns : 3700ns;
      before = way;
      if (const auto verdict = times.add(group, way, took)) {
        ways.learned(verdict->group, verdict->quicker);
      }
    }
    CHECK(announced < 10'000 / 50);
  }
}

TEST_CASE("mpi ways: where both are alike, the choice stays") {
  for (const Way guess : both) {
    Pair pair;
    pair.pieces = pair.announced = 10us;
    pair.spread_percent = 4;
    pair.ways.learned(Ways::group_of(30'000, false), guess);
    pair.count_pieces(20000, 30'000, false);
    CHECK(pair.ways.way(Ways::group_of(30'000, false)) == guess);
  }
}

TEST_CASE("mpi ways: groups that do not exist are ignored") {
  Ways ways;
  WayTimes times;
  for (const std::uint32_t group : {0U, Ways::groups + 1, UINT32_MAX}) {
    ways.learned(group, Way::pieces);
    for (int i = 0; i < 100; ++i)
      CHECK(!times.add(group, both[static_cast<std::size_t>(i) % 2], 1us));
  }
}
