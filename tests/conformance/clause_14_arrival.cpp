#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <thread>

#include "harness.hpp"

namespace conformance {
namespace {

Settings open_world() {
  Settings settings;
  settings.takes_arrivals = true;
  return settings;
}

constexpr int data = 1, go = 2;

bool takes_arrivals(Channel& world) {
  const bool takes = world.info().takes_arrivals;
  if (!takes && world.rank() == 0) MESSAGE("skipped: this transport takes no arrivals");
  return takes;
}

/// Reads news until `rank` has a new process.
void await_newcomer(Channel& world, int rank) {
  while (true) {
    const auto event = world.next(any_source, 77, patience);
    EXPECT(event.has_value());
    const auto* const arrival = std::get_if<rankwire::Arrival>(&*event);
    if (arrival == nullptr) continue;
    EXPECT_EQUAL(arrival->rank, rank);
    return;
  }
}

Settings open_narrow_world() {
  Settings settings = open_world();
  settings.window_bytes = 64 << 10;
  return settings;
}

/// The newcomer's part: it fills its window to `other`, and has room again for what is received of
/// its own, for nothing else.
void fill_window(Channel& world, int other) {
  world.send(other, data, Buffer{50'000}, patience);
  world.send(other, go, Buffer{}, patience);
  must_recv(world, other, go);
  EXPECT_THROWS(rankwire::Timeout, world.send(other, data, Buffer{30'000}, 200ms));
  world.send(other, go, Buffer{}, patience);
  for (int i = 0; i < 10; ++i) world.send(other, data, Buffer{40'000}, patience);
  must_recv(world, other, go);
}

}  // namespace

CONFORMANCE_CASE("14: in a world that takes no arrivals nobody arrives", Needs{.ranks_min = 3}) {
  if (self.world().rank() == 2) {
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  EXPECT(!world.info().takes_arrivals);
  const auto news = world.next(2, data, patience);
  EXPECT(std::holds_alternative<rankwire::Departure>(*news));
  EXPECT_THROWS(rankwire::PeerLost, world.send(2, data, Buffer{}));
}

CONFORMANCE_CASE("14: a newcomer takes the place of a lost rank",
                 Needs{.ranks_min = 3, .settings = open_world()}) {
  if (!takes_arrivals(self.world())) return;
  if (self.world().rank() == 2) {
    rankwire::send(self.world(), 0, data, 1);
    rankwire::send(self.world(), 1, data, 1);
    must_recv(self.world(), 0, go);
    self.channel.reset();
    self.channel = harness().open_newcomer(open_world(), 2);
    for (const int other : {0, 1}) {
      rankwire::send(self.world(), other, data, 2);
      EXPECT_EQUAL(rankwire::recv<int>(self.world(), other, data, patience), other + 10);
    }
    return;
  }
  Channel& world = self.world();
  if (world.rank() > 2) return;
  EXPECT_EQUAL(rankwire::recv<int>(world, 2, data, patience), 1);
  if (world.rank() == 0) {
    must_recv(world, 1, go);
    world.send(2, go, Buffer{});
  } else {
    world.send(0, go, Buffer{});
  }
  bool lost = false, arrived = false;
  while (!arrived) {
    const auto event = world.next(any_source, 77, patience);
    EXPECT(event.has_value());
    if (const auto* departure = std::get_if<rankwire::Departure>(&*event)) {
      if (departure->rank == 2) lost = true;
    } else if (const auto* arrival = std::get_if<rankwire::Arrival>(&*event)) {
      EXPECT_EQUAL(arrival->rank, 2);
      EXPECT(!arrival->host.empty());
      arrived = true;
    }
  }
  EXPECT(lost);
  EXPECT_EQUAL(rankwire::recv<int>(world, 2, data, patience), 2);
  EXPECT(!world.departure(2));  // it stays until it has what follows
  rankwire::send(world, 2, data, world.rank() + 10);
}

/// Received late, and of the size of most of the window.
CONFORMANCE_CASE("14: what the process before had sent is received, and makes no room for the next",
                 Needs{.ranks_min = 3, .settings = open_narrow_world()}) {
  enum : int { old = 5 };
  if (!takes_arrivals(self.world())) return;
  if (self.world().rank() == 2) {
    for (const int other : {0, 1}) {
      for (int i = 0; i < 4; ++i) self.world().send(other, old, Buffer{10'000}, patience);
      self.world().send(other, go, Buffer{}, patience);
    }
    must_recv(self.world(), 0, go);
    self.channel.reset();
    self.channel = harness().open_newcomer(open_narrow_world(), 2);
    for (const int other : {0, 1}) fill_window(self.world(), other);
    return;
  }
  Channel& world = self.world();
  if (world.rank() > 2) return;
  must_recv(world, 2, go);
  if (world.rank() == 1) world.send(0, go, Buffer{}, patience);
  if (world.rank() == 0) {
    must_recv(world, 1, go);
    world.send(2, go, Buffer{}, patience);
  }
  await_newcomer(world, 2);
  must_recv(world, 2, go);
  for (int i = 0; i < 4; ++i) must_recv(world, 2, old);
  world.send(2, go, Buffer{}, patience);
  EXPECT(!world.recv(2, old, 50ms));  // whatever is owed is told
  must_recv(world, 2, go);
  for (int i = 0; i < 11; ++i) must_recv(world, 2, data);
  world.send(2, go, Buffer{}, patience);
}

namespace {

/// The messages that rank 1 receives of rank 2 until the third process has sent all, "0:100 1:10
/// 2:10" where none is missing, comes twice, or behind what came later; and whether any was lost.
std::string told_of_rank_2(Channel& world) {
  std::array<int, 3> received{};
  bool lost = false;
  while (received[2] < 10) {
    const auto event = world.next(any_source, any_tag, patience);
    EXPECT(event.has_value());
    if (const auto* const message = std::get_if<rankwire::Message>(&*event)) {
      const auto process = static_cast<std::size_t>(message->tag);
      EXPECT(process < received.size());
      EXPECT_EQUAL(std::to_integer<int>(message->payload.bytes()[0]), received[process]++);
      EXPECT(std::all_of(received.begin() + message->tag + 1, received.end(),
                         [](int later) { return later == 0; }));
    } else if (const auto* const departure = std::get_if<rankwire::Departure>(&*event)) {
      lost = lost || (departure->rank == 2 && departure->kind == rankwire::Departure::Kind::lost);
    }
  }
  return fmt::format("0:{} 1:{} 2:{}{}", received[0], received[1], received[2],
                     lost ? " lost" : "");
}

/// Rank 0 stays until rank 1 has received all, and then lets the last process of rank 2 go.
void master_of_two_newcomers(Channel& world) {
  for (int process = 1; process <= 2; ++process) await_newcomer(world, 2);
  must_recv(world, 1, go);
  world.send(2, go, Buffer{}, patience);
}

/// Numbered, and with `process` as their tag.
void send_numbered(Channel& world, int process, int count, std::size_t bytes) {
  for (int i = 0; i < count; ++i) {
    Buffer payload{bytes};
    payload.data()[0] = static_cast<std::byte>(i);
    world.send(1, process, std::move(payload), patience);
  }
}

}  // namespace

/// Rank 1 computes from the first message of the first process until the last is there.
CONFORMANCE_CASE("14: what processes had sent before they left is received by one that computes",
                 Needs{.ranks_min = 3, .settings = open_world()}) {
  if (!takes_arrivals(self.world())) return;
  Channel& world = self.world();
  if (world.rank() == 0) {
    master_of_two_newcomers(world);
  } else if (world.rank() == 1) {
    must_recv(world, 2, go);
    std::this_thread::sleep_for(1500ms);
    EXPECT_EQUAL(told_of_rank_2(world), "0:100 1:10 2:10");
    world.send(0, go, Buffer{}, patience);
  } else if (world.rank() == 2) {
    std::vector<std::future<void>> closing;
    world.send(1, go, Buffer{}, patience);
    for (int process = 0; process <= 1; ++process) {
      send_numbered(self.world(), process, process == 0 ? 100 : 10,
                    process == 0 ? 400'000 : 100'000);
      closing.push_back(
          std::async(std::launch::async, [old = std::move(self.channel)] { old->close(); }));
      self.channel = harness().open_newcomer(open_world(), 2);
    }
    send_numbered(self.world(), 2, 10, 8);
    must_recv(self.world(), 0, go);
    for (auto& each : closing) each.get();
  }
}

/// The same of processes that end without a goodbye, some time after they have sent.
CONFORMANCE_CASE("14: what processes had sent before they died is received by one that computes",
                 Needs{.ranks_min = 3, .settings = open_world()}) {
  if (!takes_arrivals(self.world())) return;
  Channel& world = self.world();
  if (world.rank() == 0) {
    master_of_two_newcomers(world);
  } else if (world.rank() == 1) {
    must_recv(world, 2, go);
    std::this_thread::sleep_for(3s);
    EXPECT_EQUAL(told_of_rank_2(world), "0:10 1:10 2:10 lost");
    world.send(0, go, Buffer{}, patience);
  } else if (world.rank() == 2) {
    world.send(1, go, Buffer{}, patience);
    for (int process = 0; process <= 1; ++process) {
      send_numbered(self.world(), process, 10, 40'000);
      EXPECT(!self.world().recv(1, go, 1s));  // until its messages are on their way
      self.channel.reset();
      self.channel = harness().open_newcomer(open_world(), 2);
    }
    send_numbered(self.world(), 2, 10, 8);
    must_recv(self.world(), 0, go);
  }
}

}  // namespace conformance
