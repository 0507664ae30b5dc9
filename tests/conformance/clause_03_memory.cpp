#include <thread>
#include <vector>

#include "harness.hpp"

// Clause 3, memory: a budget for all ranks together, of which each has a share that is sure.

namespace conformance {
namespace {

enum : int { data = 1, go, done, never };

/// Shares of 20,000 bytes or so in the worlds of the suite; a window is far more.
constexpr std::size_t budget = 160'000, large = 60'000;

Settings little_memory() {
  Settings settings;
  settings.memory_bytes = budget;
  settings.window_bytes = 1 << 20;
  return settings;
}

}  // namespace

CONFORMANCE_CASE("3: each has its share of a budget that is less than the windows",
                 Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  const auto others = static_cast<std::size_t>(world.size() - 1);
  EXPECT_EQUAL(world.info().window_bytes, std::size_t{1} << 20);
  const auto share = world.info().share_bytes;
  EXPECT(share == budget / 2 / others || share == world.info().window_bytes);
  // All of it is there at once, towards each, before anyone receives.
  constexpr std::size_t part = 1000;
  const std::size_t parts = share / (part + 64);
  for (int other = 0; other < world.size(); ++other) {
    if (other == world.rank()) continue;
    for (std::size_t i = 0; i < parts; ++i) world.send(other, data, Buffer{part}, Deadline::poll());
  }
  for (int other = 0; other < world.size(); ++other) {
    if (other == world.rank()) continue;
    for (std::size_t i = 0; i < parts; ++i) must_recv(world, other, data);
  }
}

CONFORMANCE_CASE("3: more than the share goes too, and large messages in any order of the ranks",
                 Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  constexpr int rounds = 6;
  if (world.rank() != 0) {
    for (int i = 0; i < rounds; ++i) {
      world.send(0, data, pattern(large, static_cast<unsigned>(i)), patience);
    }
    must_recv(world, 0, done);
    return;
  }
  // The last rank first: by then the others have used all that there is for them.
  std::this_thread::sleep_for(300ms);
  for (int source = world.size() - 1; source > 0; --source) {
    for (int i = 0; i < rounds; ++i) {
      const Message message = must_recv(world, source, data);
      EXPECT(same(message.payload, pattern(large, static_cast<unsigned>(i))));
    }
  }
  for (int dest = 1; dest < world.size(); ++dest) world.send(dest, done, Buffer{}, patience);
}

CONFORMANCE_CASE("3: a receive from anyone gets what it asks for, whatever else fills the memory",
                 Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  constexpr int fillers = 4;
  if (world.rank() != 0) {
    for (int i = 0; i < fillers; ++i) world.send(0, data, Buffer{large}, patience);
    world.send(0, done, Buffer{large}, patience);
    must_recv(world, 0, go);
    return;
  }
  std::this_thread::sleep_for(300ms);
  for (int i = 1; i < world.size(); ++i) must_recv(world, rankwire::any_source, done);
  for (int i = 1; i < world.size(); ++i) {
    for (int filler = 0; filler < fillers; ++filler) must_recv(world, i, data);
    world.send(i, go, Buffer{}, patience);
  }
}

CONFORMANCE_CASE("3: a send without memory ends in a Timeout, and holds nobody else up",
                 Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  constexpr std::size_t too_much = 4 * budget;
  if (world.rank() == 1) {
    world.send(0, data, Buffer{too_much}, patience);
    EXPECT_THROWS(rankwire::Timeout, world.send(0, data, Buffer{too_much}, 100ms));
    world.send(0, go, Buffer{}, patience);
    must_recv(world, 0, done);
  } else if (world.rank() == 0) {
    EXPECT(!world.recv(1, never, 500ms));
    must_recv(world, 1, data);
    must_recv(world, 1, go);
    // What rank 1 wanted, and did not send, is there for the others.
    for (int dest = 1; dest < world.size(); ++dest) world.send(dest, done, Buffer{}, patience);
    for (int source = 2; source < world.size(); ++source) {
      EXPECT_EQUAL(must_recv(world, source, data).payload.size(), large);
    }
  } else {
    must_recv(world, 0, done);
    world.send(0, data, Buffer{large}, patience);
  }
}

CONFORMANCE_CASE(
    "3: a rank that has given up its sends and computes holds up no receive from anyone",
    Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  constexpr auto computes = 8s;
  constexpr int messages = 4;
  if (world.rank() == 1) {
    for (int i = 0; i < 8; ++i) {
      try {
        world.send(0, data, Buffer{large}, 20ms);
      } catch (const rankwire::Timeout&) {
      }
    }
    std::this_thread::sleep_for(computes);
  } else if (world.rank() != 0) {
    for (int i = 0; i < messages; ++i) world.send(0, go, Buffer{large}, patience);
  } else {
    EXPECT(!world.recv(1, never, 300ms));
    const Deadline limit = computes / 2;
    for (int i = 0; i < messages * (world.size() - 2); ++i) {
      EXPECT(world.recv(any_source, go, limit).has_value());
    }
  }
}

CONFORMANCE_CASE("3: a send that waits for memory hears that its receiver has left",
                 Needs{.ranks_min = 3, .settings = little_memory()}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    must_recv(world, 1, go);
    return;
  }
  if (world.rank() != 1) return;
  world.send(0, go, Buffer{}, patience);
  EXPECT_THROWS(rankwire::PeerLeft, [&] {
    for (int i = 0; i < 100; ++i) world.send(0, data, Buffer{2 * budget}, patience);
  }());
}

}  // namespace conformance
