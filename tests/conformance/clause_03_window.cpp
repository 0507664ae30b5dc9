#include "harness.hpp"

namespace conformance {
namespace {

constexpr int data = 1, go = 2, done = 3;

Settings small_window() {
  Settings settings;
  settings.window_bytes = 64 << 10;
  return settings;
}

bool says(const std::exception& error, const char* words) {
  return std::string{error.what()}.find(words) != std::string::npos;
}

}  // namespace

CONFORMANCE_CASE("3: owned sends within the window do not wait for the receiver",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int messages = 32;
  if (world.rank() == 1) {
    // The receiver asks for these only after the last was sent.
    for (int i = 0; i < messages; ++i) world.send(0, data, Buffer{std::size_t{1} << 20}, patience);
    world.send(0, done, Buffer{});
  }
  if (world.rank() == 0) {
    must_recv(world, 1, done);
    for (int i = 0; i < messages; ++i) {
      EXPECT_EQUAL(must_recv(world, 1, data).payload.size(), std::size_t{1} << 20);
    }
  }
}

CONFORMANCE_CASE("3: a full window ends in a Timeout that names it, and has sent nothing",
                 Needs{.ranks_min = 2, .settings = small_window()}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    // 128 bytes of the window stay free: room for two empty messages, not for 200 bytes.
    world.send(0, data, Buffer{std::size_t{(32 << 10) - 128}});
    world.send(0, data, Buffer{std::size_t{(32 << 10) - 128}});
    const auto error =
        EXPECT_THROWS(rankwire::Timeout, world.send(0, data, Buffer{std::size_t{200}}, 50ms));
    EXPECT(says(error, "rank 0"));
    EXPECT(says(error, "65536"));  // the window
    EXPECT(says(error, "65408"));  // what is outstanding
    const std::vector<std::byte> borrowed(200);
    EXPECT_THROWS(rankwire::Timeout, world.send(0, data, borrowed, Deadline::poll()));
    world.send(0, done, Buffer{}, Deadline::poll());
    must_recv(world, 0, go);
  }
  if (world.rank() == 0) {
    must_recv(world, 1, done);
    must_recv(world, 1, data);
    must_recv(world, 1, data);
    EXPECT(!world.recv(1, data, 20ms));
    world.send(1, go, Buffer{});
  }
}

CONFORMANCE_CASE("3: a sender that waits goes on when the receiver takes",
                 Needs{.ranks_min = 2, .settings = small_window()}) {
  Channel& world = self.world();
  constexpr int messages = 400;
  if (world.rank() == 1) {
    for (int i = 0; i < messages; ++i) {
      Buffer payload{std::size_t{10'000}};
      payload.data()[9'999] = static_cast<std::byte>(i);
      world.send(0, data, std::move(payload), patience);
    }
  }
  if (world.rank() == 0) {
    for (int i = 0; i < messages; ++i) {
      const Message message = must_recv(world, 1, data);
      EXPECT(message.payload.data()[9'999] == static_cast<std::byte>(i));
    }
  }
}

CONFORMANCE_CASE("3: a message above the window goes when the window is empty",
                 Needs{.ranks_min = 2, .settings = small_window()}) {
  Channel& world = self.world();
  constexpr std::size_t large = 1 << 20;
  if (world.rank() == 1) {
    world.send(0, data, Buffer{std::size_t{100}});  // received, never reported: too little
    must_recv(world, 0, go);
    world.send(0, data, Buffer{large}, patience);
    world.send(0, data, Buffer{large}, patience);
  }
  if (world.rank() == 0) {
    must_recv(world, 1, data);
    world.send(1, go, Buffer{});
    EXPECT_EQUAL(must_recv(world, 1, data).payload.size(), large);
    EXPECT_EQUAL(must_recv(world, 1, data).payload.size(), large);
  }
}

CONFORMANCE_CASE("3: ranks that all send first and receive after do not deadlock",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr std::size_t large = 8 << 20;
  std::vector<std::byte> borrowed(large);
  for (int other = 0; other < world.size(); ++other) {
    if (other == world.rank()) continue;
    world.send(other, data, Buffer{large}, patience);
    world.send(other, data, borrowed);
  }
  for (int other = 0; other < world.size(); ++other) {
    if (other == world.rank()) continue;
    for (int i = 0; i < 2; ++i) EXPECT_EQUAL(must_recv(world, other, data).payload.size(), large);
  }
}

CONFORMANCE_CASE("3: a send to oneself without room is a Timeout at once",
                 Needs{.settings = small_window()}) {
  Channel& world = self.world();
  world.send(world.rank(), data, Buffer{std::size_t{40'000}});
  EXPECT_THROWS(rankwire::Timeout,
                world.send(world.rank(), data, Buffer{std::size_t{40'000}}, Deadline::never()));
  EXPECT_EQUAL(must_recv(world, world.rank(), data).payload.size(), std::size_t{40'000});
  world.send(world.rank(), data, Buffer{std::size_t{40'000}});
  must_recv(world, world.rank(), data);
}

}  // namespace conformance
