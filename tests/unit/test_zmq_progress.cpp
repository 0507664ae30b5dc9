#include <doctest/doctest.h>

#include <thread>

#include "zmq_world.hpp"

// Clause 15 where a conformance case cannot make it: what the master does for others while its
// program computes.

using namespace zmq_world;
using rankwire::Buffer;
using rankwire::Channel;
using rankwire::Deadline;

namespace {

/// Sends to `peer` and receives the same of it, in sizes that travel in different ways.
bool exchange(Channel& own, int peer) {
  struct Burst {
    int messages;
    std::size_t bytes;
  };
  for (const auto [messages, bytes] : {Burst{1000, 8}, Burst{50, 60'000}, Burst{5, 1'000'000}}) {
    for (int i = 0; i < messages; ++i) own.send(peer, i, Buffer{bytes}, patience);
    for (int i = 0; i < messages; ++i) {
      const auto message = own.recv(peer, rankwire::any_tag, patience);
      if (!message || message->tag != i || message->payload.size() != bytes) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("progress: the master relays between workers while its program computes") {
  constexpr auto bound = 5s;  // for what takes milliseconds
  auto with = settings();
  with.linger = patience;
  auto hidden = with;
  hidden.advertise = "127.9.9.9";  // nobody is there: refused at once
  const std::string endpoint = conformance::free_endpoint();
  auto opening = master(endpoint, 3, with);
  auto first = worker(endpoint, 1, with), second = worker(endpoint, 2, hidden);
  const Opened one = first.get(), two = second.get(), zero = opening.get();
  const auto talk = [](Channel& own) {
    return std::async(std::launch::async, [&own] { return exchange(own, 3 - own.rank()); });
  };
  for (const bool settled : {false, true}) {  // at first they find out that they need the master
    CAPTURE(settled);
    const auto start = Deadline::Clock::now();
    auto one_talks = talk(*one), two_talks = talk(*two);
    CHECK(one_talks.get());  // the master calls nothing
    CHECK(two_talks.get());
    if (settled) CHECK(Deadline::Clock::now() - start < bound);
  }
  CHECK(two->info().peers[1].relayed);
  // The goodbye, and the other worker's acknowledgement, which finds the rank departed.
  const auto start = Deadline::Clock::now();
  one->close();
  CHECK(Deadline::Clock::now() - start < bound);
  two->close();
  zero->close(patience);
}
