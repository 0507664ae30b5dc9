#include <thread>
#include <vector>

#include "harness.hpp"

namespace conformance {
namespace {

/// How long the ranks compute here. It is promised that what can happen meanwhile takes 100 ms; the
/// machine may be busy with others.
constexpr auto computing = 3s;
constexpr auto bound = 2s;
constexpr int no_tag = 77;  // of no message

/// Uses its core, and no channel.
void compute(Deadline::Clock::duration time) {
  const Deadline end{time};
  while (!end.expired()) {
  }
}

/// True, with a word about it, where nothing moves on while the program computes.
bool skips(const Channel& world) {
  if (world.info().progress) return false;
  if (world.rank() == 0) MESSAGE("skipped: this channel moves on in calls only");
  return true;
}

struct Burst {
  int messages;
  std::size_t bytes;
};
/// Sizes that the transports send in different ways.
constexpr Burst bursts[] = {{1, 8},        {20'000, 64},    {500, 3'000},
                            {500, 60'000}, {50, 1'000'000}, {2, 20'000'000}};

void send_all(Channel& world, int dest, const Burst& burst, int tag) {
  for (int i = 0; i < burst.messages; ++i) {
    Buffer payload{burst.bytes};
    payload.data()[burst.bytes / 2] = static_cast<std::byte>(i);
    world.send(dest, tag, std::move(payload), patience);
  }
}

void receive_all(Channel& world, int source, const Burst& burst, int tag) {
  for (int i = 0; i < burst.messages; ++i) {
    const auto message = must_recv(world, source, tag);
    EXPECT_EQUAL(message.payload.size(), burst.bytes);
    EXPECT(message.payload.data()[burst.bytes / 2] == static_cast<std::byte>(i));
  }
}

/// Rank 1 sends a burst and leaves its channel alone for `time`. Whether all of it was at rank 0
/// before that was over.
bool arrives_meanwhile(Channel& world, const Burst& burst, Deadline::Clock::duration time) {
  enum : int { begins = 1, data, computed, verdict };
  if (world.rank() == 1) {
    world.send(0, begins, Buffer{});
    send_all(world, 0, burst, data);
    std::this_thread::sleep_for(time);  // leaves its core to other tests
    world.send(0, computed, Buffer{});
    return rankwire::recv<bool>(world, 0, verdict, patience);
  }
  if (world.rank() != 0) return true;
  must_recv(world, 1, begins);
  const auto start = Deadline::Clock::now();
  receive_all(world, 1, burst, data);
  const bool in_time = Deadline::Clock::now() - start < time;
  must_recv(world, 1, computed);
  rankwire::send(world, 1, verdict, in_time);
  return in_time;
}

Settings open_world() {
  Settings settings;
  settings.takes_arrivals = true;
  return settings;
}

/// Reads news until `rank` was lost and has a new process.
bool arrives(Channel& world, int rank) {
  bool lost = false;
  while (const auto event = world.next(any_source, no_tag, patience)) {
    if (const auto* const arrival = std::get_if<rankwire::Arrival>(&*event)) {
      return lost && arrival->rank == rank;
    }
    const auto* const departure = std::get_if<rankwire::Departure>(&*event);
    if (departure != nullptr && departure->rank == rank) {
      lost = departure->kind == rankwire::Departure::Kind::lost;
    }
  }
  return false;
}

}  // namespace

CONFORMANCE_CASE("15: what a send has accepted arrives while its sender computes",
                 Needs{.ranks_min = 2, .ranks_max = 3}) {
  Channel& world = self.world();
  if (skips(world)) return;
  for (const Burst& burst : bursts) {
    // A machine that is busy with others may need longer; what waits for the sender's next call
    // comes too late however long that takes.
    for (Deadline::Clock::duration time = computing; !arrives_meanwhile(world, burst, time);
         time *= 2) {
      EXPECT(time <= 2 * computing);
    }
  }
}

CONFORMANCE_CASE("15: a rank that computes takes in what comes, so that its sender may close",
                 Needs{.ranks_min = 2, .ranks_max = 3, .settings = [] {
                         Settings settings;
                         settings.window_bytes = std::uint64_t{256} << 20;  // no send waits
                         settings.linger = patience;
                         return settings;
                       }()}) {
  enum : int { data = 1, go };
  constexpr auto long_computing = 2 * computing;  // it is much that comes
  Channel& world = self.world();
  if (skips(world)) return;
  if (world.rank() == 1) {
    must_recv(world, 0, go);
    const auto start = Deadline::Clock::now();
    for (const Burst& burst : bursts) {
      if (burst.bytes < 20'000'000) send_all(world, 0, burst, data);
    }
    world.close();
    EXPECT(Deadline::Clock::now() - start < long_computing);
  } else if (world.rank() == 0) {
    world.send(1, go, Buffer{});
    std::this_thread::sleep_for(long_computing);  // leaves its core to other tests
    for (const Burst& burst : bursts) {
      if (burst.bytes < 20'000'000) receive_all(world, 1, burst, data);
    }
    EXPECT_THROWS(rankwire::PeerLeft, world.recv(1, data, patience));
  }
}

CONFORMANCE_CASE("15: room that a program has made is reported while it computes",
                 Needs{.ranks_min = 2, .ranks_max = 3, .settings = [] {
                         Settings settings;
                         settings.window_bytes = std::uint64_t{1} << 20;
                         return settings;
                       }()}) {
  enum : int { data = 1, last };
  constexpr std::size_t bytes = 20'000;  // less than a sixteenth of the window
  Channel& world = self.world();
  if (skips(world)) return;
  if (world.rank() == 0) {
    compute(500ms);  // the window fills
    must_recv(world, 1, data);
    std::this_thread::sleep_for(2 * computing);  // leaves its core to other tests
    while (world.recv(1, any_tag, patience)->tag != last) {
    }
  } else if (world.rank() == 1) {
    try {
      for (;;) world.send(0, data, Buffer{bytes}, Deadline::poll());
    } catch (const rankwire::Timeout&) {
    }
    const auto start = Deadline::Clock::now();
    world.send(0, data, Buffer{bytes}, patience);
    EXPECT(Deadline::Clock::now() - start < computing);
    world.send(0, last, Buffer{}, patience);
  }
}

CONFORMANCE_CASE("15: a death is told while the master computes", Needs{.ranks_min = 3}) {
  enum : int { hello = 1, never };
  Channel& world = self.world();
  if (skips(world)) return;
  if (world.rank() == 1) {
    for (int other = 0; other < world.size(); ++other) {
      if (other != 1) must_recv(world, other, hello);
    }
    self.channel.reset();
    return;
  }
  world.send(1, hello, Buffer{}, patience);
  if (world.rank() == 0) {
    compute(computing);
    EXPECT_THROWS(rankwire::PeerLost, world.recv(1, never, patience));
  } else {
    const auto start = Deadline::Clock::now();
    EXPECT_THROWS(rankwire::PeerLost, world.recv(1, never, patience));
    EXPECT(Deadline::Clock::now() - start < bound);
  }
}

CONFORMANCE_CASE("15: an abort is told while the master computes",
                 Needs{.ranks_min = 3, .ranks_max = 4}) {
  enum : int { hello = 1, go, never };
  Channel& world = self.world();
  if (harness().abort_ends_processes()) {
    if (world.rank() == 0) MESSAGE("skipped: here an abort ends the processes");
    return;
  }
  if (skips(world)) return;
  if (world.rank() == 0) {
    for (int other = 1; other < world.size(); ++other) must_recv(world, other, hello);
    for (int other = world.size() - 1; other > 0; --other) world.send(other, go, Buffer{});
    compute(computing);
    EXPECT_THROWS(rankwire::Aborted, world.recv(1, never, patience));
    return;
  }
  world.send(0, hello, Buffer{}, patience);  // the workers have no links with each other
  if (world.rank() == 1) {
    must_recv(world, 0, go);
    world.abort(7, "the coffee is cold");
    self.channel.reset();
    return;
  }
  auto start = Deadline::Clock::now();
  const auto error = EXPECT_THROWS(rankwire::Aborted, [&] {
    must_recv(world, 0, go);  // or the abort comes first
    start = Deadline::Clock::now();
    return world.recv(0, never, patience);
  }());
  EXPECT_EQUAL(error.rank(), 1);
  EXPECT(Deadline::Clock::now() - start < bound);
}

CONFORMANCE_CASE("15: a newcomer arrives while the master computes",
                 Needs{.ranks_min = 3, .ranks_max = 4, .settings = open_world()}) {
  enum : int { hello = 1, go, data };
  Channel& world = self.world();
  if (!world.info().takes_arrivals) {
    if (world.rank() == 0) MESSAGE("skipped: this transport takes no arrivals");
    return;
  }
  if (skips(world)) return;
  if (world.rank() == 0) {
    for (int other = 1; other < world.size(); ++other) must_recv(world, other, hello);
    for (int other = 1; other < world.size(); ++other) world.send(other, go, Buffer{});
    compute(computing);
    EXPECT(arrives(world, 2));
    must_recv(world, 2, data);
    return;
  }
  world.send(0, hello, Buffer{}, patience);
  must_recv(world, 0, go);
  const auto start = Deadline::Clock::now();
  if (world.rank() == 1) {
    EXPECT(arrives(world, 2));
    must_recv(world, 2, data);
    EXPECT(Deadline::Clock::now() - start < bound);
  } else if (world.rank() == 2) {
    self.channel.reset();
    self.channel = harness().open_newcomer(open_world(), 2);
    EXPECT(Deadline::Clock::now() - start < bound);
    for (const int other : {0, 1}) self.world().send(other, data, Buffer{}, patience);
  }
}

CONFORMANCE_CASE("15: who calls now and then hears of a departure in its next call",
                 Needs{.ranks_min = 2, .ranks_max = 3}) {
  enum : int { hello = 1, data };
  Channel& world = self.world();
  if (skips(world)) return;
  if (world.rank() == 1) {
    world.send(0, hello, Buffer{});
    self.channel.reset();
  } else if (world.rank() == 0) {
    must_recv(world, 1, hello);
    std::this_thread::sleep_for(bound);
    EXPECT_THROWS(rankwire::PeerLost, world.send(1, data, Buffer{}));
  }
}

CONFORMANCE_CASE("15: calls and the channel's thread take turns", Needs{.ranks_min = 2}) {
  enum : int { data = 1, end };
  constexpr int rounds = 60;
  Channel& world = self.world();
  const int next = (world.rank() + 1) % world.size();
  const int before = (world.rank() + world.size() - 1) % world.size();
  for (int i = 0; i < rounds; ++i) {
    world.send(next, data, pattern(static_cast<std::size_t>(i) * 700, 3), patience);
    // Around the times at which the thread looks.
    std::this_thread::sleep_for(std::chrono::microseconds{(i * 7919) % 60'000});
    EXPECT(same(must_recv(world, before, data).payload,
                pattern(static_cast<std::size_t>(i) * 700, 3)));
  }
}

CONFORMANCE_CASE("15: without the thread all else holds",
                 Needs{.ranks_min = 2, .ranks_max = 4, .settings = [] {
                         Settings settings;
                         settings.progress_thread = false;
                         return settings;
                       }()}) {
  Channel& world = self.world();
  const bool by_nature = world.info().transport == "inproc";
  EXPECT_EQUAL(world.info().progress, by_nature);
  const Burst burst = bursts[3];
  if (world.rank() == 1) send_all(world, 0, burst, 1);
  if (world.rank() == 0) {
    compute(100ms);
    receive_all(world, 1, burst, 1);
  }
}

}  // namespace conformance
