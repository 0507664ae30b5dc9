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
