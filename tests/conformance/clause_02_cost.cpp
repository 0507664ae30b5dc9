#include <algorithm>
#include <cstdint>

#include "../support/count_new.hpp"
#include "harness.hpp"

namespace conformance {
namespace {

enum : int { there = 1, back, queued, filled, flow, turn, end };

Settings narrow_window() {
  Settings settings;
  settings.window_bytes = 16 << 10;  // 128 messages of 64 bytes
  return settings;
}

/// What ranks 0 and 1 do with small messages, once each.
void one_round(Channel& world) {
  const bool first = world.rank() == 0;
  const int peer = first ? 1 : 0;
  for (int trip = 0; trip < 100; ++trip) {
    if (first) world.send(peer, there, Buffer{8}, patience);
    if (!first) must_recv(world, peer, there);
    if (!first) world.send(peer, back, Buffer{8}, patience);
    if (first) must_recv(world, peer, back);
  }
  // As many as the window has room for at any time, before the receiver takes one.
  constexpr int fits = 90, flows = 500;
  for (int i = 0; i < fits && !first; ++i) {
    world.send(peer, queued, Buffer{Buffer::inline_bytes}, patience);
  }
  if (!first) world.send(peer, filled, Buffer{}, patience);
  if (first) must_recv(world, peer, filled);
  for (int i = 0; i < fits && first; ++i) must_recv(world, any_source, queued);
  // And a flow that waits for room now and then.
  for (int i = 0; i < flows; ++i) {
    if (first) must_recv(world, any_source, flow);
    if (!first) world.send(peer, flow, Buffer{Buffer::inline_bytes}, patience);
  }
  if (first) world.send(peer, turn, Buffer{}, patience);
  if (!first) must_recv(world, peer, turn);
}

}  // namespace

CONFORMANCE_CASE("2: in a steady flow small messages cost no allocation",
                 Needs{.ranks_min = 2, .settings = narrow_window()}) {
  Channel& world = self.world();
  if (world.rank() > 1) {
    must_recv(world, 0, end);  // an end of theirs would cost some
    return;
  }
  // What is kept for reuse grows at first, and what else a process does now and then may allocate:
  // a message that did would do so in every round.
  constexpr int rounds = 30;
  std::size_t fewest = SIZE_MAX;
  for (int round = 0; round < rounds; ++round) {
    const std::size_t before = allocated_so_far().times;
    one_round(world);
    fewest = std::min(fewest, allocated_so_far().times - before);
  }
  for (int rank = 2; rank < world.size() && world.rank() == 0; ++rank) {
    world.send(rank, end, Buffer{}, patience);
  }
  EXPECT_EQUAL(fewest, std::size_t{0});
}

}  // namespace conformance
