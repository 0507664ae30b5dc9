#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <vector>

#include "results/statistics.hpp"
#include "results/table.hpp"
#include "ways/bounce.hpp"
#include "ways/flood.hpp"
#include "ways/stamp.hpp"
#include "worlds/promises.hpp"

// What compare does with payloads and figures. That it measures at all is told by system.compare.

using namespace comparison;

namespace {

/// One rank's end of a way on which an honest other side answers at once, but for what `damage`
/// does to what comes back.
struct Echo {
  std::vector<std::byte> bytes;
  int trips = 0;
  void (*damage)(std::vector<std::byte>& bytes, int trip) = [](auto&, int) {};

  void make(std::size_t size) { bytes.resize(size); }
  std::span<std::byte> payload() { return bytes; }
  void send(int) {}
  int receive(int from) {
    damage(bytes, ++trips);
    return from;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}
};

/// A worker that floods rank 0, as rank 0 sees it.
struct Worker {
  int count = 4;
  std::size_t size = 64;
  std::uint64_t swallowed = 0;  ///< the number of a message that never comes
  std::uint64_t sent = 0;
  std::vector<std::byte> bytes = std::vector<std::byte>(size);

  void make(std::size_t) {}  // rank 0's answer goes where nobody looks
  std::span<std::byte> payload() { return bytes; }
  void send(int) { bytes.resize(size); }
  int receive(int) {
    if (++sent == swallowed) ++sent;
    fill_middle(bytes);
    stamp(bytes, sent);
    return 1;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}
};

/// A worker's end of a way to a rank 0 that has enough after one batch.
struct Sender : Echo {
  std::vector<std::size_t> prepared;  ///< bytes of each payload, before the first was made
  bool made = false;

  void make(std::size_t size) {
    made = true;
    Echo::make(size);
  }
  int receive(int from) {
    bytes.resize(stamp_bytes);
    stamp(bytes, flood_detail::last);
    return from;
  }
  void prepare(std::size_t size, int count) {
    if (!made) prepared.insert(prepared.end(), static_cast<std::size_t>(count), size);
  }
};

constexpr std::chrono::milliseconds moment{1};

Figure figure(const std::string& measure, std::uint64_t bytes, double ratio) {
  Figure made;
  made.measure = measure;
  made.transport = "zmq-tcp";
  made.unit = "s";
  made.bytes = bytes;
  made.rankwire = summary_of({ratio});
  made.beside.push_back({"raw", "libzmq", summary_of({1}), ratio_of({ratio}, {1})});
  return made;
}

const Bar* find(const std::vector<Bar>& bars, const std::string& name) {
  for (const Bar& bar : bars) {
    if (bar.name.find(name) != std::string::npos) return &bar;
  }
  return nullptr;
}

}  // namespace

TEST_CASE(
    "compare: a touched payload has a byte written in each page, and its stamps as they were") {
  constexpr std::size_t page_bytes = 4096;
  std::vector<std::byte> payload(5 * page_bytes + 100, std::byte{7});
  const std::vector<std::byte> before = payload;
  touch_middle(payload);
  const auto same = [&](std::size_t at, std::size_t bytes) {
    return std::ranges::equal(std::span{payload}.subspan(at, bytes),
                              std::span{before}.subspan(at, bytes));
  };
  for (std::size_t page = 0; page < 5; ++page) CHECK_FALSE(same(page * page_bytes, page_bytes));
  CHECK(same(0, stamp_bytes));
  CHECK(same(payload.size() - stamp_bytes, stamp_bytes));
  std::vector<std::byte> shortest(stamp_bytes);
  touch_middle(shortest);
}

TEST_CASE("compare: a payload's stamps and pattern tell damage") {
  std::vector<std::byte> payload(1000);
  fill_middle(payload);
  stamp(payload, 17);
  CHECK(stamp_of(payload) == 17);
  CHECK_NOTHROW(check_middle(payload));
  payload[500] ^= std::byte{1};
  CHECK_THROWS_WITH_AS(check_middle(payload), doctest::Contains("byte 500 is"), rankwire::Error);
  payload[999] ^= std::byte{1};
  CHECK_THROWS_AS((void)stamp_of(payload), rankwire::Error);
  CHECK_THROWS_AS((void)stamp_of(std::span{payload}.first(7)), rankwire::Error);
}

TEST_CASE("compare: a bounce notices damage, and gives samples without") {
  Echo honest;
  CHECK_FALSE(lead_bounce(honest, {.bytes = 100, .time = moment}).empty());
  Echo stamps{.bytes = {},
              .damage = [](auto& bytes, int trip) { bytes[0] ^= std::byte(trip == 3); }};
  CHECK_THROWS_AS(lead_bounce(stamps, {.bytes = 100, .time = moment}), rankwire::Error);
  Echo middle{.bytes = {}, .damage = [](auto& bytes, int) { bytes[50] = std::byte{1}; }};
  CHECK_THROWS_AS(lead_bounce(middle, {.bytes = 100, .time = moment}), rankwire::Error);
  Echo shorter{.bytes = {}, .damage = [](auto& bytes, int) { bytes.resize(8); }};
  CHECK_THROWS_AS(lead_bounce(shorter, {.bytes = 100, .time = moment}), rankwire::Error);
}

TEST_CASE("compare: a flood notices what is missing") {
  const Flood flood{.bytes = 64, .count = 4, .workers = 1, .time = moment};
  Worker whole;
  CHECK_FALSE(lead_flood(whole, flood).empty());
  Worker gap{.swallowed = 6};
  CHECK_THROWS_AS(lead_flood(gap, flood), rankwire::Error);
  Worker other{.size = 72};
  CHECK_THROWS_AS(lead_flood(other, flood), rankwire::Error);
}

TEST_CASE("compare: a flood of large payloads begins with memory for all that are sent at once") {
  Sender large, small;
  CHECK(send_flood(large, {.bytes = large_bytes, .count = 3}) == 6);
  CHECK(large.prepared == std::vector<std::size_t>(3, large_bytes));
  send_flood(small, {.bytes = 64, .count = 3});
  CHECK(small.prepared.empty());
}

TEST_CASE("compare: summaries and ratios") {
  const Summary one = summary_of({3});
  CHECK(one.p50 == 3);
  CHECK(one.p99 == 3);
  std::vector<double> many;
  for (int i = 100; i >= 1; --i) many.push_back(i);
  const Summary summary = summary_of(many);
  CHECK(summary.p50 == 50.5);
  CHECK(summary.p99 == 99);
  CHECK(summary.min == 1);
  CHECK(summary.max == 100);
  CHECK(summary.samples == 100);
  const Ratio ratio = ratio_of({2, 9, 4}, {1, 3, 4});
  CHECK(ratio.median == 2);
  CHECK(ratio.min == 1);
  CHECK(ratio.max == 3);
  CHECK(ratio.pairs == 3);
}

TEST_CASE("compare: of several worlds the middle one counts, figure by figure") {
  std::vector<Results> worlds(3);
  worlds[0].figures = {figure("latency", 8, 1.0), figure("latency", 64, 3.0)};
  worlds[1].figures = {figure("latency", 8, 5.0), figure("latency", 64, 1.0)};
  worlds[2].figures = {figure("latency", 8, 2.0), figure("latency", 64, 2.0)};
  worlds[1].figures[0].rankwire = summary_of({7, 8, 9});
  worlds[1].figures[0].beside[0].ratio = ratio_of({4, 5, 6}, {1, 1, 1});
  const Results all = median_of_worlds(worlds);
  REQUIRE(all.figures.size() == 2);
  const Ratio small = all.figures[0].beside[0].ratio, large = all.figures[1].beside[0].ratio;
  CHECK(small.median == 2);
  CHECK(small.min == 1);
  CHECK(small.max == 6);
  CHECK(small.pairs == 5);
  CHECK(large.median == 2);
  CHECK(all.figures[0].rankwire.max == 9);
  CHECK(all.figures[0].rankwire.samples ==
        worlds[0].figures[0].rankwire.samples + worlds[2].figures[0].rankwire.samples + 3);
}

TEST_CASE("compare: a bar holds up to its value, and not beyond") {
  Results found;
  found.figures = {figure("latency", 8, 1.1), figure("latency", 1024, 1.1001)};
  const auto bars = zmq_bars(found, "zmq-tcp");
  REQUIRE(find(bars, "latency 8 B") != nullptr);
  CHECK(find(bars, "latency 8 B")->holds);
  CHECK(find(bars, "latency 8 B")->bar == "<= 1.10");
  CHECK_FALSE(find(bars, "latency 1 KiB")->holds);
}

TEST_CASE("compare: a bar whose figure is missing does not hold") {
  for (const auto& bars :
       {zmq_bars({}, "zmq-tcp"), mpi_bars({}, "mpi-shm"), boost_bars({}, "mpi-shm"),
        spinning_bars({}), sleeping_bars({}), common_bars({}, "inproc")}) {
    CHECK_FALSE(bars.empty());
    for (const Bar& bar : bars) {
      CAPTURE(bar.name);
      if (bar.measured == "built without Boost.MPI") continue;
      CHECK_FALSE(bar.holds);
      CHECK(bar.measured == "not measured");
    }
  }
}

TEST_CASE("compare: the table fits 100 columns whatever the figures are") {
  Results results;
  results.machine.cpu = std::string(150, 'c');
  results.command = std::string(300, 'x');
  results.left_out = {{"mpi-shm: latency", std::string(120, 'y') + " " + std::string(90, 'z')}};
  for (const double value : {1e-12, 0.0123, 1.0, 99999.0, 1e15}) {
    Figure made = figure("fan-in", 1234567891, value);
    made.ranks = 1000;
    made.beside.push_back({"socket", std::string(200, 'n'), summary_of({1e-9}),
                           ratio_of({value, 1e-9}, {1e-9, value})});
    results.figures.push_back(made);
  }
  std::istringstream lines{table_of(results)};
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 100);
  }
}
