#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "ways/bounce.hpp"
#include "ways/burst.hpp"
#include "ways/flood.hpp"
#include "ways/stamp.hpp"

// What compare checks of the payloads on their way. That it measures at all is told by
// test_program.cpp.

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

TEST_CASE("compare: a burst notices what is missing, and is one sample") {
  const Burst burst{.bytes = 64, .count = 4};
  Worker whole;
  CHECK(lead_burst(whole, burst).size() == 1);
  Worker gap{.swallowed = 3};
  CHECK_THROWS_AS(lead_burst(gap, burst), rankwire::Error);
  Worker other{.size = 72};
  CHECK_THROWS_AS(lead_burst(other, burst), rankwire::Error);
}

TEST_CASE("compare: the sender of a burst computes after its last message") {
  Echo sender;
  const auto start = std::chrono::steady_clock::now();
  CHECK(send_burst(sender, {.bytes = 64, .count = 3, .computing = 50 * moment}) == 3);
  CHECK(std::chrono::steady_clock::now() - start >= 50 * moment);
}

TEST_CASE("compare: a flood of large payloads begins with memory for all that are sent at once") {
  Sender large, small;
  CHECK(send_flood(large, {.bytes = large_bytes, .count = 3}) == 6);
  CHECK(large.prepared == std::vector<std::size_t>(3, large_bytes));
  send_flood(small, {.bytes = 64, .count = 3});
  CHECK(small.prepared.empty());
}
