#include <thread>

#include "harness.hpp"

namespace conformance {
namespace {

using rankwire::Departure;
using rankwire::PeerLeft;
using rankwire::PeerLost;

constexpr int data = 1, go = 2;

/// Reads news until `rank` has departed; a message is not expected.
Departure must_depart(Channel& world, int rank) {
  const auto event = world.next(rank, go, patience);
  EXPECT(event.has_value());
  EXPECT(std::holds_alternative<Departure>(*event));
  return std::get<Departure>(*event);
}

}  // namespace

CONFORMANCE_CASE("8: what a rank sent before it left is delivered first, then PeerLeft, always",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    for (int i = 0; i < 20; ++i) rankwire::send(world, 0, data, i);
    world.send(0, data, Buffer{std::size_t{2} << 20}, patience);
    world.close(patience);
  }
  if (world.rank() == 0) {
    for (int i = 0; i < 20; ++i) EXPECT_EQUAL(rankwire::recv<int>(world, 1, data, patience), i);
    EXPECT_EQUAL(must_recv(world, 1, data).payload.size(), std::size_t{2} << 20);
    for (int i = 0; i < 3; ++i) {
      const auto error = EXPECT_THROWS(PeerLeft, world.recv(1, data, patience));
      EXPECT_EQUAL(error.rank(), 1);
      EXPECT(!error.host().empty());
      EXPECT(!error.reason().empty());
    }
    EXPECT_THROWS(PeerLeft, world.recv(1, any_tag, Deadline::poll()));
    EXPECT_THROWS(PeerLeft, world.send(1, data, Buffer{}));
    EXPECT(world.departure(1)->kind == Departure::Kind::left);
  }
}

CONFORMANCE_CASE("8: a rank that ends without a goodbye is lost; its messages come first",
                 Needs{.ranks_min = 2}) {
  if (self.world().rank() == 1) {
    for (int i = 0; i < 20; ++i) rankwire::send(self.world(), 0, data, i);
    must_recv(self.world(), 0, go);
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  if (world.rank() != 0) return;
  EXPECT_EQUAL(rankwire::recv<int>(world, 1, data, patience), 0);
  world.send(1, go, Buffer{});
  for (int i = 1; i < 20; ++i) EXPECT_EQUAL(rankwire::recv<int>(world, 1, data, patience), i);
  for (int i = 0; i < 3; ++i) {
    const auto error = EXPECT_THROWS(PeerLost, world.recv(1, data, patience));
    EXPECT_EQUAL(error.rank(), 1);
    EXPECT(!error.host().empty());
    EXPECT(!error.reason().empty());
  }
  EXPECT_THROWS(PeerLost, world.send(1, data, Buffer{}));
  EXPECT(world.departure(1)->kind == Departure::Kind::lost);
}

CONFORMANCE_CASE("8: every rank hears of a loss, and those who remain go on",
                 Needs{.ranks_min = 3}) {
  if (self.world().rank() == self.world().size() - 1) {
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  const int lost = world.size() - 1;
  // Anyone: the loss is thrown once, which acknowledges it. Those who hear first send first.
  int losses = 0;
  for (int messages = 0; losses == 0 || messages < lost - 1;) {
    try {
      const Message message = must_recv(world, any_source, data);
      EXPECT_EQUAL(rankwire::decode<int>(message), message.source);
      ++messages;
    } catch (const PeerLost& error) {
      EXPECT_EQUAL(error.rank(), lost);
      EXPECT_EQUAL(++losses, 1);
      for (int other = 0; other < lost; ++other) {
        if (other != world.rank()) rankwire::send(world, other, data, world.rank());
      }
    }
  }
  EXPECT_THROWS(PeerLost, world.recv(lost, data, Deadline::poll()));
}

CONFORMANCE_CASE("8: a rank that leaves does not disturb a receive from anyone",
                 Needs{.ranks_min = 3}) {
  Channel& world = self.world();
  if (world.rank() == 1) world.close(patience);
  if (world.rank() > 2) (void)must_depart(world, 0);
  if (world.rank() == 2) {
    EXPECT(must_depart(world, 1).kind == Departure::Kind::left);
    must_recv(world, 0, go);
    rankwire::send(world, 0, data, 5);
  }
  if (world.rank() == 0) {
    // `departure` tells without acknowledging, `next` tells once.
    const Deadline end = patience;
    while (!world.departure(1) && !end.expired()) (void)world.recv(2, data, 1ms);
    EXPECT(world.departure(1).has_value());
    EXPECT(!world.recv(any_source, data, Deadline::poll()));
    const auto news = world.next(any_source, any_tag, patience);
    EXPECT(news && std::holds_alternative<Departure>(*news));
    EXPECT_EQUAL(std::get<Departure>(*news).rank, 1);
    EXPECT(!world.next(2, any_tag, Deadline::poll()));
    world.send(2, go, Buffer{});
    EXPECT_EQUAL(rankwire::decode<int>(must_recv(world, any_source, data)), 5);
  }
}

CONFORMANCE_CASE("8: when nobody remains a receive from anyone throws rather than waits",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() != 0) {
    rankwire::send(world, 0, data, world.rank());
    world.close(patience);
    return;
  }
  int received = 0;
  const auto receive_all = [&] {
    while (true) {
      must_recv(world, any_source, data);
      ++received;
    }
  };
  EXPECT_THROWS(PeerLeft, receive_all());
  EXPECT_EQUAL(received, world.size() - 1);
  EXPECT_THROWS(PeerLeft, world.recv(any_source, any_tag));
  for (int i = 1; i < world.size(); ++i) {
    EXPECT(std::holds_alternative<Departure>(*world.next(any_source, any_tag, patience)));
  }
  EXPECT_THROWS(PeerLeft, world.next(any_source, any_tag));
}

CONFORMANCE_CASE("8: a receive that waits hears of the departure", Needs{.ranks_min = 2}) {
  const int last = self.world().size() - 1;
  if (self.world().rank() == last) {
    (void)self.world().recv(0, go, 50ms);  // lets the others come to wait
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  EXPECT_THROWS(PeerLost, world.recv(last, data));
}

CONFORMANCE_CASE("8: the master may leave first; the others go on", Needs{.ranks_min = 3}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    world.close(patience);
    return;
  }
  EXPECT(must_depart(world, 0).kind == Departure::Kind::left);
  for (int other = 1; other < world.size(); ++other) {
    if (other != world.rank()) rankwire::send(world, other, data, world.rank());
  }
  for (int other = 1; other < world.size(); ++other) {
    if (other == world.rank()) continue;
    EXPECT_EQUAL(rankwire::recv<int>(world, other, data, patience), other);
  }
  // The first of them to close is seen by the rest, master or no master.
  if (world.rank() == 1) {
    world.close(patience);
  } else {
    EXPECT(must_depart(world, 1).kind == Departure::Kind::left);
  }
}

CONFORMANCE_CASE("8: who left is known to those that never exchanged a message with it",
                 Needs{.ranks_min = 3}) {
  Channel& world = self.world();
  const int last = world.size() - 1;
  if (world.rank() == last) return world.close();
  if (world.rank() == 0) std::this_thread::sleep_for(300ms);  // computes
  EXPECT_THROWS(PeerLeft, world.recv(last, data, patience));
  EXPECT_THROWS(PeerLeft, world.send(last, data, Buffer{}));
}

CONFORMANCE_CASE("8: those that never exchanged a message leave one after the other",
                 Needs{.ranks_min = 3}) {
  Channel& world = self.world();
  for (int other = world.size() - 1; other > world.rank(); --other) {
    EXPECT(must_depart(world, other).kind == Departure::Kind::left);
  }
  if (world.rank() > 0) world.close();
}

CONFORMANCE_CASE("8: a receive from oneself that cannot come is refused", Needs{}) {
  Channel& world = self.world();
  EXPECT_THROWS(rankwire::UsageError, world.recv(world.rank(), data));
  EXPECT(!world.recv(world.rank(), data, Deadline::poll()));
  if (world.size() == 1) EXPECT_THROWS(rankwire::UsageError, world.recv(any_source, any_tag));
}

namespace {

/// Sends to rank 0 until that leaves.
void keep_sending(Channel& world) {
  while (true) {
    try {
      world.send(0, data, Buffer{8}, 20ms);
    } catch (const rankwire::Timeout&) {
    } catch (const PeerLeft&) {
      return;
    }
  }
}

/// So wide that those who send always find their messages waiting, before the receiver has taken
/// all, also where they do not run for some time.
Settings some_window() {
  Settings settings;
  settings.window_bytes = 256 << 10;
  return settings;
}

/// What the receiver does with each message: less than its senders, it would find none waiting now
/// and then.
void work() {
  const Deadline end = 20us;
  while (!end.expired()) {
  }
}

/// Far more than can be under way: the windows of all that send.
constexpr int messages_before_news_max = 200'000;

}  // namespace

CONFORMANCE_CASE("8: that a rank left is told while messages keep coming",
                 Needs{.ranks_min = 3, .settings = some_window()}) {
  Channel& world = self.world();
  const int last = world.size() - 1;
  if (world.rank() == last) {
    must_recv(world, 0, go);
    world.close(patience);
    return;
  }
  if (world.rank() != 0) return keep_sending(world);
  for (int i = 0; i < 1000; ++i) {
    must_recv(world, 1, data);
    work();
  }
  world.send(last, go, Buffer{}, patience);
  for (int messages = 0;; ++messages) {
    EXPECT(messages < messages_before_news_max);
    const auto event = world.next(any_source, any_tag, patience);
    EXPECT(event.has_value());
    if (const auto* const gone = std::get_if<Departure>(&*event)) {
      EXPECT_EQUAL(gone->rank, last);
      break;
    }
    work();
  }
  world.close(patience);
}

CONFORMANCE_CASE("8: a loss is thrown while messages keep coming",
                 Needs{.ranks_min = 3, .settings = some_window()}) {
  const int last = self.world().size() - 1;
  if (self.world().rank() == last) {
    must_recv(self.world(), 0, go);
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  if (world.rank() != 0) return keep_sending(world);
  for (int i = 0; i < 1000; ++i) {
    must_recv(world, 1, data);
    work();
  }
  world.send(last, go, Buffer{}, patience);
  const auto receive_all = [&] {
    for (int messages = 0; messages < messages_before_news_max; ++messages) {
      must_recv(world, any_source, data);
      work();
    }
  };
  EXPECT_EQUAL(EXPECT_THROWS(PeerLost, receive_all()).rank(), last);
  world.close(patience);
}

}  // namespace conformance
