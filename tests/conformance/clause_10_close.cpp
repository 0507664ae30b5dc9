#include <thread>

#include "harness.hpp"

namespace conformance {

CONFORMANCE_CASE("10: close delivers what was accepted", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int messages = 20;
  if (world.rank() == 1) {
    for (int i = 0; i < messages; ++i) {
      Buffer payload{std::size_t{1} << 20};
      payload.data()[1000] = static_cast<std::byte>(i);
      world.send(0, 1, std::move(payload), patience);
    }
    world.close(patience);
  }
  if (world.rank() == 0) {
    for (int i = 0; i < messages; ++i) {
      EXPECT(must_recv(world, 1, 1).payload.data()[1000] == static_cast<std::byte>(i));
    }
  }
}

Settings short_linger() {
  Settings settings;
  settings.linger = 300ms;
  return settings;
}

// The receiver computes for longer than the linger. Without progress it takes nothing in meanwhile.
CONFORMANCE_CASE("10: what was not taken within the linger stays deliverable while close serves",
                 Needs{.ranks_min = 2, .settings = short_linger()}) {
  Channel& world = self.world();
  constexpr int messages = 40;
  constexpr std::size_t bytes = 400'000;
  if (world.rank() == 0) {
    for (int i = 0; i < messages; ++i) world.send(1, i, Buffer{bytes}, patience);
    world.close(patience);
  } else if (world.rank() == 1) {
    std::this_thread::sleep_for(1500ms);
    for (int i = 0; i < messages; ++i) EXPECT(must_recv(world, 0, i).payload.size() == bytes);
    EXPECT_THROWS(rankwire::PeerLeft, world.recv(0, 0, patience));
  }
}

CONFORMANCE_CASE("10: close is idempotent, and a closed channel refuses every use", Needs{}) {
  Channel& world = self.world();
  world.close(patience);
  world.close(patience);
  EXPECT_THROWS(rankwire::UsageError, world.send(0, 1, Buffer{}));
  EXPECT_THROWS(rankwire::UsageError, world.recv(0, 1, Deadline::poll()));
  EXPECT_THROWS(rankwire::UsageError, world.next(any_source, any_tag, Deadline::poll()));
  EXPECT_EQUAL(world.info().peers.size(), static_cast<std::size_t>(world.size()));
}

CONFORMANCE_CASE("10: the destructor of a channel that was never closed does not hang", Needs{}) {
  self.channel.reset();
}

}  // namespace conformance
