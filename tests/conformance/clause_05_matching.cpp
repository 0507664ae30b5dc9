#include <array>
#include <vector>

#include "harness.hpp"

namespace conformance {

CONFORMANCE_CASE("5: a receive takes its source and its tag, in the order it asks",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int tags = 8;
  if (world.rank() != 0) {
    for (int tag = 0; tag < tags; ++tag) rankwire::send(world, 0, tag, world.rank() * 100 + tag);
    return;
  }
  for (int tag = tags - 1; tag >= 0; --tag) {
    for (int source = world.size() - 1; source > 0; --source) {
      EXPECT_EQUAL(rankwire::recv<int>(world, source, tag, patience), source * 100 + tag);
    }
  }
}

CONFORMANCE_CASE("5: any source with a tag, any tag of a source", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() != 0) {
    world.send(0, 10, Buffer{});
    world.send(0, 20, Buffer{});
    return;
  }
  for (int i = 1; i < world.size(); ++i) EXPECT_EQUAL(must_recv(world, any_source, 20).tag, 20);
  for (int source = 1; source < world.size(); ++source) {
    const Message message = must_recv(world, source, any_tag);
    EXPECT_EQUAL(message.tag, 10);
    EXPECT_EQUAL(message.source, source);
  }
}

/// Small messages in a row may come all at once; each is still asked for, and refused, on its own.
CONFORMANCE_CASE("5: of many small messages, those that are not asked for stay, in order",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int rounds = 300;
  constexpr int odd = 1, even = 2;
  if (world.rank() != 0) {
    for (int i = 0; i < rounds; ++i) rankwire::send(world, 0, i % 2 == 0 ? even : odd, i);
    return;
  }
  for (int source = world.size() - 1; source > 0; --source) {
    for (int i = 1; i < rounds / 2; i += 2) {
      EXPECT_EQUAL(rankwire::recv<int>(world, source, odd, patience), i);
    }
    std::array<std::byte, 1> small{};
    EXPECT_THROWS(rankwire::UsageError, world.recv_into(source, odd, small, patience));
    for (int i = rounds / 2; i < rounds; ++i) {
      if (i % 2 == 0) continue;
      EXPECT_EQUAL(rankwire::recv<int>(world, source, odd, patience), i);
    }
  }
  std::vector<int> next(static_cast<std::size_t>(world.size()), 0);
  for (int left = (world.size() - 1) * rounds / 2; left > 0; --left) {
    const Message message = must_recv(world, any_source, even);
    int& expected = next[static_cast<std::size_t>(message.source)];
    EXPECT_EQUAL(rankwire::decode<int>(message), expected);
    expected += 2;
  }
}

/// What would be looked at each time costs a thousand times as much.
CONFORMANCE_CASE("5: a message is found as soon behind many others as behind none",
                 Needs{.ranks_min = 2}) {
  enum : int { ping = 1, pong, all_sent, end, first_other };
  constexpr int others = 100'000, trips = 1000;
  Channel& world = self.world();
  const int last = world.size() - 1;
  const auto trips_take = [&](int source) {
    const auto start = Deadline::Clock::now();
    for (int i = 0; i < trips; ++i) {
      world.send(last, ping, Buffer{8}, patience);
      must_recv(world, source, pong);
    }
    return std::chrono::duration<double>(Deadline::Clock::now() - start).count();
  };
  if (world.rank() == 0) {
    const double behind_none = trips_take(last);
    for (int other = 1; other < world.size(); ++other)
      world.send(other, all_sent, Buffer{}, patience);
    for (int other = 1; other < world.size(); ++other) must_recv(world, other, all_sent);
    EXPECT(trips_take(last) < 10 * behind_none + 3);
    EXPECT(trips_take(any_source) < 10 * behind_none + 3);
    for (int other = 1; other < world.size(); ++other) world.send(other, end, Buffer{}, patience);
    return;
  }
  const auto answer = [&](int count) {
    for (int i = 0; i < count; ++i) {
      must_recv(world, 0, ping);
      world.send(0, pong, Buffer{8}, patience);
    }
  };
  if (world.rank() == last) answer(trips);
  must_recv(world, 0, all_sent);
  for (int i = 0; i < others / last; ++i) {
    world.send(0, first_other + i % 1000, Buffer{8}, patience);
  }
  world.send(0, all_sent, Buffer{}, patience);
  if (world.rank() == last) answer(2 * trips);
  must_recv(world, 0, end);
}

CONFORMANCE_CASE("5: the first and the last tag are legal, others are refused", Needs{}) {
  Channel& world = self.world();
  const int me = world.rank();
  for (const int tag : {0, rankwire::tag_max}) {
    world.send(me, tag, Buffer{});
    EXPECT_EQUAL(must_recv(world, me, tag).tag, tag);
  }
  for (const int tag : {-1, -2, rankwire::tag_max + 1}) {
    EXPECT_THROWS(rankwire::UsageError, world.send(me, tag, Buffer{}));
    if (tag != any_tag) EXPECT_THROWS(rankwire::UsageError, world.recv(me, tag, Deadline::poll()));
  }
}

CONFORMANCE_CASE("5: a rank outside the world is refused by name", Needs{}) {
  Channel& world = self.world();
  for (const int rank : {-2, world.size(), world.size() + 1000}) {
    const auto error = EXPECT_THROWS(rankwire::UsageError, world.send(rank, 1, Buffer{}));
    EXPECT(std::string{error.what()}.find(std::to_string(rank)) != std::string::npos);
    EXPECT_THROWS(rankwire::UsageError, world.recv(rank, 1, Deadline::poll()));
  }
  EXPECT_THROWS(rankwire::UsageError, world.send(any_source, 1, Buffer{}));
}

}  // namespace conformance
