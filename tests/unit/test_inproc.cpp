#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <ctime>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "../support/count_new.hpp"
#include "rankwire/backend/backend.hpp"

namespace rankwire {
extern const Backend inproc_backend;
}

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;

std::vector<std::unique_ptr<Channel>> open_world(int ranks) {
  Settings settings;
  settings.ranks = ranks;
  return inproc_backend.open(settings);
}

std::chrono::nanoseconds cpu_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

}  // namespace

TEST_CASE("inproc: the bytes of an owned payload stay where they are, whatever their number") {
  const auto world = open_world(2);
  for (const std::size_t size :
       {std::size_t{65}, std::size_t{4} << 10, std::size_t{1} << 20, std::size_t{16} << 20}) {
    CAPTURE(size);
    Buffer payload{size};
    const std::byte* const address = payload.data();
    world[1]->send(0, 1, std::move(payload));
    world[1]->send(1, 1, std::move(world[0]->recv(1, 1)->payload));  // and to itself
    const auto message = world[1]->recv(1, 1);
    REQUIRE(message);
    CHECK(message->payload.size() == size);
    CHECK(message->payload.data() == address);
  }
}

// 2,500 ranks that each noted 2,500 departures would take 900 MB.
TEST_CASE("inproc: 5,000 ranks take memory for what they use") {
  constexpr int ranks = 5000;
  constexpr std::size_t bytes_max = 150'000'000;  // about 30 are needed
  enum : int { ring = 1, up, down };
  const std::size_t before = allocated_so_far().bytes;
  const auto world = open_world(ranks);
  const auto rank = [&](int number) -> Channel& {
    return *world[static_cast<std::size_t>(number % ranks)];
  };
  for (const int distance : {1, 2}) {
    for (int self = 0; self < ranks; ++self) {
      rank(self).send((self + distance) % ranks, ring, Buffer{8});
    }
    for (int self = 0; self < ranks; ++self) {
      REQUIRE(rank(self + distance).recv(self, ring, patience));
    }
  }
  for (int other = 1; other < ranks; ++other) rank(other).send(0, up, Buffer{8});
  for (int other = 1; other < ranks; ++other) REQUIRE(rank(0).recv(any_source, up, patience));
  for (int other = 1; other < ranks; ++other) rank(0).send(other, down, Buffer{8});
  for (int other = 1; other < ranks; ++other) REQUIRE(rank(other).recv(0, down, patience));
  for (int other = ranks / 2; other < ranks; ++other) rank(other).close();
  for (int other = 0; other < ranks / 2; ++other) {  // those who stay look at what has come
    CHECK_FALSE(rank(other).recv(any_source, ring, Deadline::poll()));
    CHECK_FALSE(rank(other).recv(1, ring, Deadline::poll()));
  }
  CHECK_THROWS_AS((void)rank(1).recv(ranks - 1, ring, patience), PeerLeft);
  for (int other = ranks / 2; other < ranks; ++other) {  // in the order in which they left
    const auto event = rank(0).next(any_source, any_tag, patience);
    REQUIRE(event);
    REQUIRE(std::get<Departure>(*event).rank == other);
  }
  for (int other = 0; other < ranks / 2; ++other) rank(other).close();
  CHECK(allocated_so_far().bytes - before < bytes_max);
}

// The time of the processor, since others may use the machine. If each departure looked at all
// ranks, this would take half a minute.
TEST_CASE("inproc: a rank that closes costs the same in a world of 20,000") {
  constexpr int ranks = 20'000;
  const auto world = open_world(ranks);
  const auto before = cpu_time();
  for (const auto& channel : world) channel->close();
  CHECK(cpu_time() - before < 5s);
}

TEST_CASE("inproc: a departure keeps its place while receives ask for other ranks") {
  enum : int { go = 1, data };
  const auto world = open_world(4);
  Channel& self = *world[0];
  const auto next = [&] { return self.next(any_source, any_tag, patience).value(); };
  world[1]->send(0, data, Buffer{});
  world[3]->close();
  CHECK_FALSE(self.recv(1, go, Deadline::poll()));  // takes in both
  world[2]->send(0, data, Buffer{});
  CHECK_FALSE(self.recv(1, go, Deadline::poll()));
  CHECK(std::get<Message>(next()).source == 1);
  CHECK(std::get<Departure>(next()).rank == 3);
  CHECK(std::get<Message>(next()).source == 2);
}

TEST_CASE("inproc: a receive that sleeps is woken by each departure that concerns it") {
  constexpr int rounds = 200;
  constexpr auto prompt = 25ms;  // who is not woken looks after 50 ms
  int prompt_rounds = 0;
  for (int round = 0; round < rounds; ++round) {
    auto world = open_world(4);
    std::thread by_name{[&] {
      CHECK_THROWS_AS((void)world[1]->recv(3, 1, patience), PeerLeft);
      world[1]->close();
    }};
    std::thread by_anyone{[&] {
      int left = 0;
      while (left < 3 && world[2]->next(any_source, 1, patience)) ++left;
      CHECK(left == 3);
    }};
    // Some before they sleep, some when they do.
    std::this_thread::sleep_for(std::chrono::microseconds{round * 10});
    const auto start = Deadline::Clock::now();
    world[0]->close();
    world[3]->close();
    by_name.join();
    by_anyone.join();
    if (Deadline::Clock::now() - start < prompt) ++prompt_rounds;
  }
  CHECK(prompt_rounds > rounds / 2);
}
