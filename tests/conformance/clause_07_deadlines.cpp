#include "harness.hpp"

namespace conformance {

CONFORMANCE_CASE("7: recv gives nothing at its deadline, and a past one polls",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    EXPECT(!world.recv(1, 1, Deadline::poll()));
    EXPECT(!world.recv(1, 1, 0s));
    EXPECT(!world.recv(any_source, any_tag, -5s));
    EXPECT(!world.recv(1, 1, 30ms));
    EXPECT(!world.recv(any_source, any_tag, 30ms));
    EXPECT(!world.next(1, any_tag, 30ms));
    world.send(1, 2, Buffer{});
  }
  if (world.rank() == 1) must_recv(world, 0, 2);
}

CONFORMANCE_CASE("7: the wait lasts until the deadline", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    const auto start = Deadline::Clock::now();
    EXPECT(!world.recv(1, 1, 100ms));
    EXPECT(Deadline::Clock::now() - start >= 100ms);
    world.send(1, 2, Buffer{});
  }
  if (world.rank() == 1) must_recv(world, 0, 2);
}

CONFORMANCE_CASE("7: a poll finds what has arrived", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) world.send(0, 1, Buffer{});
  if (world.rank() == 0) {
    const Deadline end = patience;
    bool found = false;
    while (!found && !end.expired()) found = world.recv(1, 1, Deadline::poll()).has_value();
    EXPECT(found);
  }
}

CONFORMANCE_CASE("7: a timeout leaves the channel whole", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    must_recv(world, 0, 1);
    for (int i = 0; i < 50; ++i) rankwire::send(world, 0, 2, i);
    Buffer large{std::size_t{3} << 20};
    large.data()[1 << 20] = std::byte{9};
    world.send(0, 3, std::move(large), patience);
  }
  if (world.rank() == 0) {
    EXPECT(!world.recv(1, 2, 10ms));
    EXPECT_THROWS(rankwire::Timeout, rankwire::recv<int>(world, 1, 2, 10ms));
    world.send(1, 1, Buffer{});
    for (int i = 0; i < 50; ++i) EXPECT_EQUAL(rankwire::recv<int>(world, 1, 2, patience), i);
    std::optional<Message> message;
    const Deadline end = patience;
    while (!message && !end.expired()) message = world.recv(1, 3, 1ms);
    EXPECT(message.has_value());
    EXPECT_EQUAL(message->payload.size(), std::size_t{3} << 20);
    EXPECT(message->payload.data()[1 << 20] == std::byte{9});
  }
}

}  // namespace conformance
