#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rankwire/backend/host.hpp"
#include "rankwire/backend/ledger.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/errors.hpp"
#include "text_of.hpp"

using namespace rankwire;

namespace {

constexpr int self = 0;
constexpr int size = 100;  // more than a RankTable has in one row
constexpr int far_rank = 97;
constexpr std::uint64_t window = 4096;

std::vector<PeerInfo> peers() {
  std::vector<PeerInfo> all;
  for (int rank = 0; rank < size; ++rank) {
    all.push_back({rank, "node" + std::to_string(rank), 100 + rank, {}});
  }
  return all;
}

struct World {
  std::shared_ptr<WorldEnd> end = std::make_shared<WorldEnd>();
  Ledger ledger{self, size, window, peers(), end, true};

  void push(int source, std::size_t bytes = 0) { ledger.push({source, 1, Buffer{bytes}}); }
  /// Takes the next message, and gives what is to be reported to its source.
  std::optional<std::uint64_t> take() {
    const auto event = ledger.take({});
    REQUIRE(event);
    const auto* const message = std::get_if<Message>(&*event);
    REQUIRE(message != nullptr);
    return ledger.taken(message->source, message->payload.size());
  }
};

/// Rounds of a wait in which `then` happens.
template <class Then>
struct Rounds {
  Then then;
  int steps = 0;
  void check() const {}
  bool step(Deadline) {
    then(++steps);
    return true;
  }
  void settle() const {}
};
template <class Then>
Rounds(Then) -> Rounds<Then>;

}  // namespace

TEST_CASE("ledger: names and peers are those given; without any, those of this process") {
  World world;
  CHECK(world.ledger.name(far_rank) == "rank 97 (node97, pid 197)");
  CHECK(world.ledger.info().peers.at(far_rank).host == "node97");
  CHECK(world.ledger.info().window_bytes == window);
  const Ledger here{self, 3, window, {}, std::make_shared<WorldEnd>()};
  CHECK(here.name(2) == name_of(2, host_name(), process_id()));
  const auto info = here.info();
  REQUIRE(info.peers.size() == 3);
  CHECK(info.peers[2].rank == 2);
  CHECK(info.peers[2].pid == process_id());
}

TEST_CASE("ledger: a send to a departed rank, and in a world that has ended, throws") {
  World world;
  world.ledger.check_send(far_rank);
  world.ledger.depart(far_rank, Departure::Kind::left, "closed its channel");
  CHECK_SAYS(text_of<PeerLeft>([&] { world.ledger.check_send(far_rank); }),
             "rank 97 (node97, pid 197) left while rank 0 sent to it: closed its channel");
  world.end->record(2, "node2", 102, 7, "out of order");
  CHECK_SAYS(text_of<Aborted>([&] { world.ledger.check_send(1); }),
             "rank 2 (node2, pid 102) ended the world: out of order");
}

TEST_CASE("ledger: a wait for room ends with the credit, a departure or the deadline") {
  World world;
  world.ledger.sent(far_rank, window);
  Rounds credits{[&](int step) {
    if (step == 3) world.ledger.credited(far_rank, Windows::cost_bytes(window));
  }};
  world.ledger.wait_for_room(credits, far_rank, 8, Deadline::never());
  CHECK(credits.steps == 3);
  world.ledger.sent(far_rank, window);
  Rounds nothing{[](int) {}};
  CHECK_SAYS(
      text_of<Timeout>([&] {
        world.ledger.wait_for_room(nothing, far_rank, 8, Deadline{std::chrono::milliseconds{5}});
      }),
      "rank 0: no room to send 8 bytes to rank 97 (node97, pid 197): 4160 of a window of 4096");
  Rounds departs{[&](int) { world.ledger.depart(far_rank, Departure::Kind::lost, "gone"); }};
  CHECK_THROWS_AS(world.ledger.wait_for_room(departs, far_rank, 8, Deadline::never()), PeerLost);
}

TEST_CASE("ledger: what a rank sends to itself is counted, and is not waited for") {
  World world;
  world.ledger.send_to_self(1, Buffer{window - Windows::message_overhead_bytes});
  CHECK_THROWS_AS(world.ledger.send_to_self(1, Buffer{1}), Timeout);
  Rounds never{[](int) { FAIL("nobody could make room"); }};
  CHECK_SAYS(
      text_of<Timeout>([&] { world.ledger.wait_for_room(never, self, 1, Deadline::never()); }),
      "and only this rank could");
  CHECK_FALSE(world.take());  // to oneself nothing is reported
  world.ledger.send_to_self(1, Buffer{1});
  CHECK(world.ledger.mailbox().messages() == 1);
}

TEST_CASE("ledger: what was taken is reported to its source, but not to one that has departed") {
  World world;
  world.push(1, window);
  CHECK(world.take() == Windows::cost_bytes(window));
  world.push(1, window);
  world.push(2);
  world.ledger.depart(1, Departure::Kind::left, "closed its channel");
  CHECK_FALSE(world.take());
  world.push(3);
  CHECK_FALSE(world.take());  // rank 2's: too little for a report of its own
  world.push(2, window);
  CHECK(world.ledger.owed(2) == Windows::cost_bytes(0));  // it may be at its limit
  CHECK_FALSE(world.ledger.owed(2));
}

TEST_CASE("ledger: what is owed is told by settle, but not to the departed") {
  World world;
  for (const int source : {1, far_rank}) {
    world.push(source);
    CHECK_FALSE(world.take());
  }
  for (const int source : {1, far_rank}) world.push(source, window);
  world.ledger.depart(1, Departure::Kind::lost, "gone");
  std::vector<int> told;
  world.ledger.settle([&](int source, std::uint64_t total) {
    told.push_back(source);
    CHECK(total == Windows::cost_bytes(0));
  });
  CHECK(told == std::vector{far_rank});
}

TEST_CASE("ledger: a goodbye waits for the messages that were sent before it") {
  World world;
  world.push(far_rank);
  world.ledger.depart_after(far_rank, Departure::Kind::left, "closed its channel", 3);
  CHECK(world.ledger.awaits_departures());
  CHECK(world.ledger.due() == nullptr);
  world.ledger.count(far_rank);  // one that went straight to the program
  CHECK(world.ledger.due() == nullptr);
  CHECK_FALSE(world.ledger.departure(far_rank));
  world.push(far_rank);
  const auto* const due = world.ledger.due();
  REQUIRE(due != nullptr);
  CHECK(due->rank == far_rank);
  world.ledger.depart(due->rank, due->kind, due->reason);
  CHECK_FALSE(world.ledger.awaits_departures());
  REQUIRE(world.ledger.departure(far_rank));
  CHECK(world.ledger.departure(far_rank)->host == "node97");
  // And another word about it comes too late.
  world.ledger.depart_after(far_rank, Departure::Kind::lost, "gone", 0);
  CHECK(world.ledger.due() == nullptr);
}

TEST_CASE("ledger: without a count the transport says when to wait no longer") {
  World world;
  world.ledger.depart_after(1, Departure::Kind::lost, "gone", Ledger::unknown);
  world.push(1);
  CHECK(world.ledger.due() == nullptr);
  REQUIRE(world.ledger.departing(1) != nullptr);
  CHECK(world.ledger.departing(1)->reason == "gone");
  world.ledger.depart(1, Departure::Kind::lost, "gone");
  CHECK(world.ledger.departing(1) == nullptr);
}

TEST_CASE("ledger: a process that takes a rank's place begins with counts at zero") {
  World world;
  world.push(1, window);
  world.ledger.sent(1, window);
  world.ledger.depart(1, Departure::Kind::lost, "gone");
  world.ledger.arrive({1, "other", 5, "tcp://other:1"});
  CHECK(world.ledger.name(1) == "rank 1 (other, pid 5)");
  CHECK(world.ledger.info().peers[1].endpoint == "tcp://other:1");
  CHECK(world.ledger.come(1) == 0);
  CHECK(world.ledger.windows().outstanding_bytes(1) == 0);
  CHECK_FALSE(world.ledger.departure(1));
  CHECK_FALSE(world.take());  // of the process before: its window counts it no more
  world.ledger.depart_after(1, Departure::Kind::left, "closed its channel", 1);
  CHECK(world.ledger.due() == nullptr);
}

TEST_CASE("world end: the first who ends the world counts, whatever the thread") {
  WorldEnd end;
  CHECK_FALSE(end.has_come());
  end.check();
  std::vector<std::thread> threads;
  std::atomic<int> first{0}, winners{0};
  for (int rank = 1; rank <= 4; ++rank) {
    threads.emplace_back([&, rank] {
      if (!end.record(rank, {}, 0, 10 + rank, "no more")) return;
      first = rank;
      ++winners;
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(end.has_come());
  CHECK(winners == 1);
  try {
    end.check();
    FAIL("threw nothing");
  } catch (const Aborted& error) {
    CHECK(error.rank() == first);
    CHECK(error.exit_code() == 10 + first);
    CHECK(error.what() == name_of(first, host_name(), process_id()) + " ended the world: no more");
  }
}

TEST_CASE("rank table: an entry that was never changed reads as a fresh one") {
  for (const int ranks : {1, 2, 64, 65, 96, 97, size, 5000}) {
    CAPTURE(ranks);
    RankTable<int> table{ranks};
    CHECK(table.size() == ranks);
    const int last = ranks - 1;
    CHECK(table[last] == 0);
    int& kept = table.at(last);
    kept = 4;
    for (int rank = 0; rank < last; ++rank) table.at(rank) = -rank;
    CHECK(&kept == &table.at(last));
    CHECK(table[last] == 4);
    for (int rank = 0; rank < last; ++rank) CHECK(table[rank] == -rank);
  }
}

TEST_CASE("rank table: others read what one thread changes, while it grows") {
  constexpr int ranks = 5000;
  RankTable<std::atomic<int>> table{ranks};
  std::thread reader{[&] {
    int seen = 0;
    while (seen < ranks) {
      const int now = table[far_rank];
      // What was changed before is seen, too.
      for (int rank = seen; rank < now; ++rank) CHECK(table[rank] != 0);
      seen = now;
      std::this_thread::yield();
    }
  }};
  for (int rank = 0; rank < ranks; ++rank) {
    if (rank != far_rank) table.at(rank) = 1;
    table.at(far_rank) = rank + 1;
  }
  reader.join();
}
