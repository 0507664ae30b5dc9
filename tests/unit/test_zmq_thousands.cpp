#include <doctest/doctest.h>

#include <future>
#include <vector>

#include "crowd/players.hpp"
#include "measure/crowd_tags.hpp"
#include "protocol/protocol.hpp"
#include "reach/endpoint.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
namespace wire = rankwire::zmq_wire;

// Worlds so large that a start does not tell of all members. All but a few of their workers are
// played (apps/compare/crowd).

namespace {

/// A world whose last workers are played, beside `real` ones: ranks 1 to that number.
struct World {
  explicit World(int real, int played) : ranks{1 + real + played} {
    auto with = settings();
    with.takes_arrivals = false;
    auto opening = master(endpoint, ranks, with);
    std::vector<std::future<Opened>> joining;
    for (int rank = 1; rank <= real; ++rank) joining.push_back(worker(endpoint, rank));
    playing = std::async(std::launch::async, [this, played] {
      comparison::Players players{rankwire::parse_endpoint(endpoint).port, played};
      players.play(patience);
    });
    hub = opening.get();
    for (auto& one : joining) workers.push_back(one.get());
  }
  /// Tells the played workers to leave, and waits until they have.
  void end() {
    const int first = static_cast<int>(workers.size()) + 1;
    for (int rank = first; rank < ranks; ++rank) {
      rankwire::send(*hub, rank, comparison::ping_tag, false);
      rankwire::send(*hub, rank, comparison::go_tag, false);
    }
    int left = 0;
    while (const auto event = hub->next(rankwire::any_source, no_tag, patience)) {
      left += std::holds_alternative<rankwire::Departure>(*event) ? 1 : 0;
      if (left == ranks - first) break;
    }
    CHECK(left == ranks - first);
    playing.get();
  }

  static constexpr int no_tag = 77;
  std::string endpoint = conformance::free_endpoint();
  int ranks;
  std::future<void> playing;
  Opened hub;
  std::vector<Opened> workers;
};

}  // namespace

TEST_CASE("thousands: workers that were not told of each other ask the master, and meet") {
  World world{2, wire::told_members_max};
  rankwire::Channel& one = *world.workers[0];
  rankwire::Channel& two = *world.workers[1];
  CHECK(one.info().peers.size() == static_cast<std::size_t>(world.ranks));
  CHECK_FALSE(one.info().peers[0].host.empty());  // of the master it was told
  CHECK(one.info().peers[2].host.empty());
  auto answering = std::async(std::launch::async, [&two] {
    const auto message = two.recv(1, World::no_tag, patience);
    if (message) rankwire::send(two, 1, World::no_tag, 2);
  });
  std::vector<std::byte> large(wire::piece_bytes_min * 3);
  one.send(2, World::no_tag, large);
  CHECK(one.recv(2, World::no_tag, patience));
  answering.get();
  CHECK_FALSE(one.info().peers[2].host.empty());
  CHECK_FALSE(one.info().peers[2].relayed);
  CHECK(one.info().peers[3].host.empty());
  world.end();
}

TEST_CASE("thousands: who leaves while thousands do is known to those who stay") {
  World world{1, wire::told_members_max + 200};
  world.end();
  rankwire::Channel& stays = *world.workers[0];
  int left = 0;
  const rankwire::Deadline end = patience;
  while (left < world.ranks - 2) {
    const auto event = stays.next(rankwire::any_source, World::no_tag, end);
    REQUIRE(event);
    const auto& departure = std::get<rankwire::Departure>(*event);
    CHECK(departure.kind == rankwire::Departure::Kind::left);
    ++left;
  }
  CHECK(left == world.ranks - 2);
  CHECK(stays.departure(2));
  stays.close();
  world.hub->close();
}
