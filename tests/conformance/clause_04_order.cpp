#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "harness.hpp"

namespace conformance {

namespace {

/// Sizes at which transports change their ways come among others, and owned ones among borrowed.
std::size_t size_of(int i) {
  constexpr std::array<std::size_t, 16> edges{0,      1,      64,     65,    3984,   3985,
                                              4000,   4001,   7984,   7985,  65'424, 65'425,
                                              65'440, 65'441, 65'536, 65'537};
  if (i % 50 == 0) return std::size_t{2} << 20;
  if (i % 4 == 1) return edges[static_cast<std::size_t>(i / 4) % edges.size()];
  return static_cast<std::size_t>(8 + (i * 37) % 9000);
}

}  // namespace

CONFORMANCE_CASE("4: messages of one source and tag keep their order, whatever their sizes",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int rounds = 300;
  if (world.rank() != 0) {
    for (int i = 0; i < rounds; ++i) {
      Buffer payload = pattern(size_of(i), static_cast<unsigned>(i));
      if (i % 5 < 2) {
        world.send(0, i % 3, std::as_const(payload).bytes(), patience);
      } else {
        world.send(0, i % 3, std::move(payload), patience);
      }
    }
    return;
  }
  for (int source = 1; source < world.size(); ++source) {
    for (int tag = 0; tag < 3; ++tag) {
      for (int i = tag; i < rounds; i += 3) {
        const Message message = must_recv(world, source, tag);
        EXPECT_EQUAL(message.payload.size(), size_of(i));
        EXPECT(same(message.payload, pattern(size_of(i), static_cast<unsigned>(i))));
      }
    }
  }
}

CONFORMANCE_CASE("4: messages that wait while their receiver computes keep their order",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr std::array<std::size_t, 8> sizes{3, 16 << 10, 64,   64 << 10,
                                             8, 1 << 20,  4000, 200 << 10};
  constexpr int rounds = 4, burst = 300, number = 1, go = 2;
  const auto size = [&](int i) {
    return sizes[static_cast<std::size_t>(i * i / 3) % sizes.size()];
  };
  // Few large ones: a round is to fit the window.
  const auto size_of = [&](int i) { return size(i) < 100'000 || i % 16 == 0 ? size(i) : 24; };
  const auto is_borrowed = [](int i) { return i % 7 == 2; };
  for (int round = 0; round < rounds; ++round) {
    if (world.rank() == 1) {
      must_recv(world, 0, go);
      for (int i = 0; i < burst; ++i) {
        Buffer payload = pattern(size_of(i), static_cast<unsigned>(i));
        if (is_borrowed(i)) {
          world.send(0, number, std::as_const(payload).bytes(), patience);
        } else {
          world.send(0, number, std::move(payload), patience);
        }
      }
    } else if (world.rank() == 0) {
      world.send(1, go, Buffer{}, patience);
      std::this_thread::sleep_for(round % 2 == 0 ? 100ms : 0ms);
      for (int i = 0; i < burst; ++i) {
        const Message message = must_recv(world, 1, number);
        EXPECT_EQUAL(message.payload.size(), size_of(i));
        EXPECT(same(message.payload, pattern(size_of(i), static_cast<unsigned>(i))));
      }
    }
  }
}

/// Whatever takes in more of them must leave those in their place that came before.
CONFORMANCE_CASE("4: order is kept by a program that looks around between its receives",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int rounds = 3000;
  constexpr int number = 1, end = 2;
  if (world.rank() != 0) {
    for (int i = 0; i < rounds; ++i) rankwire::send(world, 0, number, i, patience);
    must_recv(world, 0, end);
    return;
  }
  for (int i = 0; i < rounds; ++i) {
    for (int source = 1; source < world.size(); ++source) {
      EXPECT_EQUAL(rankwire::recv<int>(world, source, number, patience), i);
      EXPECT(!world.departure(source));
    }
  }
  for (int source = 1; source < world.size(); ++source) world.send(source, end, Buffer{}, patience);
}

CONFORMANCE_CASE("4: a wildcard receive keeps the order of each source", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int rounds = 200;
  if (world.rank() != 0) {
    for (int i = 0; i < rounds; ++i) rankwire::send(world, 0, i % 5, i);
    return;
  }
  std::vector<int> expected(static_cast<std::size_t>(world.size()), 0);
  for (int i = 0; i < rounds * (world.size() - 1); ++i) {
    const Message message = must_recv(world, any_source, any_tag);
    int& next = expected[static_cast<std::size_t>(message.source)];
    EXPECT_EQUAL(rankwire::decode<int>(message), next);
    EXPECT_EQUAL(message.tag, next % 5);
    ++next;
  }
}

CONFORMANCE_CASE("4: a source that floods does not starve the others", Needs{.ranks_min = 3}) {
  Channel& world = self.world();
  constexpr int flood = 1, quiet = 2, answer = 3;
  if (world.rank() == 1) {
    // Keeps 20 messages under way: each answer makes it send another.
    for (int i = 0; i < 20; ++i) world.send(0, flood, Buffer{});
    while (rankwire::recv<bool>(world, 0, answer, patience)) world.send(0, flood, Buffer{});
  }
  if (world.rank() == 2) world.send(0, quiet, Buffer{});
  if (world.rank() == 0) {
    constexpr int bound = 1'000'000;
    int floods = 0;
    while (must_recv(world, any_source, any_tag).source == 1) {
      EXPECT(++floods < bound);
      rankwire::send(world, 1, answer, true);
    }
    rankwire::send(world, 1, answer, false);
    // Stays until rank 1 has used up the answers before that one.
    while (!world.departure(1)) (void)world.next(1, flood, 10ms);
  }
}

/// A transport may be told once of what waits, and take a part of it only.
CONFORMANCE_CASE("4: nothing that waits is forgotten while another rank is listened to",
                 Needs{.ranks_min = 3}) {
  enum : int { nothing = 1, first, ready, go, many, all_sent, one, done };
  constexpr int messages = 600;
  Channel& world = self.world();
  if (world.rank() == 0) {
    must_recv(world, 1, ready);
    world.send(2, go, Buffer{}, patience);
    must_recv(world, 2, all_sent);
    world.send(1, one, Buffer{8}, patience);
  }
  if (world.rank() == 1) {
    must_recv(world, 2, first);
    EXPECT(!world.recv(any_source, nothing, 20ms));  // all that there was is taken in
    world.send(0, ready, Buffer{8}, patience);
    std::this_thread::sleep_for(200ms);  // now all of it waits
    must_recv(world, 0, one);
    for (int i = 0; i < messages; ++i) must_recv(world, 2, many);
    world.send(2, done, Buffer{}, patience);
  }
  if (world.rank() == 2) {
    world.send(1, first, Buffer{}, patience);
    must_recv(world, 0, go);
    for (int i = 0; i < messages; ++i) world.send(1, many, Buffer{5000}, patience);
    world.send(0, all_sent, Buffer{}, patience);
    must_recv(world, 1, done);  // its end would be one more thing to be told of
  }
}

}  // namespace conformance
