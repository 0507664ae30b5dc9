#include "harness.hpp"

namespace conformance {

CONFORMANCE_CASE("1: ranks are 0..size-1 and every rank reaches every other", Needs{}) {
  Channel& world = self.world();
  EXPECT_EQUAL(world.size(), harness().ranks());
  EXPECT(world.rank() >= 0 && world.rank() < world.size());
  for (int dest = 0; dest < world.size(); ++dest) {
    rankwire::send(world, dest, 1, world.rank() * 1000 + dest);
  }
  for (int source = 0; source < world.size(); ++source) {
    EXPECT_EQUAL(rankwire::recv<int>(world, source, 1, patience), source * 1000 + world.rank());
  }
}

CONFORMANCE_CASE("1: the world is complete at once: the first thing a rank does may be a send",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  const int next = (world.rank() + 1) % world.size();
  const int previous = (world.rank() + world.size() - 1) % world.size();
  world.send(next, 0, Buffer::copy_of("hello"));
  EXPECT_EQUAL(must_recv(world, previous, 0).payload.text(), "hello");
}

}  // namespace conformance
