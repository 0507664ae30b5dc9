#include "harness.hpp"

namespace conformance {
namespace {

Settings open_world() {
  Settings settings;
  settings.takes_arrivals = true;
  return settings;
}

constexpr int data = 1, go = 2;

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
  if (!self.world().info().takes_arrivals) {
    if (self.world().rank() == 0) MESSAGE("skipped: this transport takes no arrivals");
    return;
  }
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
  if (!self.world().info().takes_arrivals) {
    if (self.world().rank() == 0) MESSAGE("skipped: this transport takes no arrivals");
    return;
  }
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

}  // namespace conformance
