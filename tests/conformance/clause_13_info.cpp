#include "harness.hpp"

namespace conformance {

CONFORMANCE_CASE("13: info names the transport, every peer, and what was counted", Needs{}) {
  Channel& world = self.world();
  const int next = (world.rank() + 1) % world.size();
  world.send(next, 1, Buffer{std::size_t{100}});
  must_recv(world, any_source, 1);
  const auto info = world.info();
  EXPECT(!info.transport.empty());
  EXPECT(!info.library.empty());
  EXPECT_EQUAL(info.peers.size(), static_cast<std::size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank) {
    const auto& peer = info.peers[static_cast<std::size_t>(rank)];
    EXPECT_EQUAL(peer.rank, rank);
    EXPECT(!peer.host.empty());
    EXPECT(peer.pid > 0);
  }
  EXPECT_EQUAL(info.window_bytes, Settings{}.window_bytes);
  EXPECT_EQUAL(info.message_bytes_max, Settings{}.message_bytes_max);
  EXPECT_EQUAL(info.messages_sent, std::uint64_t{1});
  EXPECT_EQUAL(info.messages_received, std::uint64_t{1});
  EXPECT_EQUAL(info.bytes_sent, std::uint64_t{100});
  EXPECT_EQUAL(info.bytes_received, std::uint64_t{100});
  EXPECT_EQUAL(info.frames_dropped, std::uint64_t{0});
}

}  // namespace conformance
