#include <thread>

#include "times.hpp"

// How long a rank may be out of reach, and what is done about it meanwhile.

using namespace network;

TEST_CASE("times: out of reach for half the grace, not lost; for longer, lost in time") {
  constexpr auto grace = 4s;
  Pair pair{settings(grace, 1s)};
  pair.proxy.stall(true);
  auto of_master = std::async(std::launch::async, [&] {
    return pair.master->next(rankwire::any_source, rankwire::any_tag, grace / 2);
  });
  CHECK(!pair.worker->recv(0, 1, grace / 2));
  CHECK(!of_master.get());
  pair.proxy.stall(false);
  check_reach_each_other(pair);

  const auto start = Clock::now();
  pair.proxy.stall(true);
  check_lose_each_other(pair, start, grace);
}

// The master's probes reach the worker itself, which lives. But nothing that it says arrives.
TEST_CASE("times: whose signs of life do not come is lost, though its host answers") {
  constexpr auto grace = 4s;
  Pair pair{settings(grace, 1s)};
  const auto start = Clock::now();
  pair.proxy.stall(true);
  check_lose_each_other(pair, start, grace);
}

TEST_CASE("times: who computes gives signs of life, and sees that none come, meanwhile") {
  constexpr auto grace = 500ms;
  Pair pair{settings(grace, 1s)};
  std::this_thread::sleep_for(lost_within(grace));
  CHECK(!pair.master->departure(1));
  CHECK(!pair.worker->departure(0));
  pair.proxy.stall(true);
  std::this_thread::sleep_for(lost_within(grace));
  // A call that comes so late does not count what it did not see as silence.
  CHECK(pair.master->departure(1));
  CHECK(pair.worker->departure(0));
}

// A Use keeps the thread out that gives signs.
TEST_CASE("times: who is within a Use for longer than the grace is not lost") {
  constexpr auto grace = 500ms;
  Pair pair{settings(grace, 1s)};
  for (Channel* const one : {pair.master.get(), pair.worker.get()}) {
    CAPTURE(one->rank());
    Channel& other = one == pair.master.get() ? *pair.worker : *pair.master;
    {
      const Channel::Use use{*one};
      std::this_thread::sleep_for(lost_within(grace));
    }
    CHECK(!other.departure(one->rank()));
    check_reach_each_other(pair);
  }
  // From the next sign on it is judged as before.
  const auto start = Clock::now();
  pair.proxy.stall(true);
  check_lose_each_other(pair, start, grace);
}

// Connections come about, and the greetings of libzmq pass: no sign of life.
TEST_CASE("times: who breaks each connection after the greeting is lost in time") {
  constexpr auto grace = 4s;
  Pair pair{settings(grace, 1s)};
  const auto start = Clock::now();
  pair.proxy.pass_first_of_each(32);
  pair.proxy.cut_all();
  check_lose_each_other(pair, start, grace);
}

// The master sends a payload to a worker in one frame. Its signs of life stand behind it.
TEST_CASE("times: a large payload that a slow network carries for longer than the grace") {
  constexpr auto grace = 1s;
  constexpr std::size_t bytes = 40'000'000;
  Pair pair{settings(grace, 60s)};
  pair.proxy.start(
      {0, {{.kind = support::Fault::Kind::throttle, .duration = 300s, .bytes_per_s = 5'000'000}}});
  pair.master->send(1, 1, rankwire::Buffer{bytes});
  const auto message = pair.worker->recv(0, 1, patience);
  REQUIRE(message);
  CHECK(message->payload.size() == bytes);
  check_reach_each_other(pair);
}

// A worker without a thread gives no signs: it may compute. The worker has a grace that is longer.
TEST_CASE("times: who gives no signs and can be heard is not lost, however long it has no way") {
  constexpr auto grace = 1s;
  Pair pair{settings(grace, 1s), without_thread(settings(60s, 1s))};
  pair.proxy.stall(true);
  auto of_master = std::async(std::launch::async, [&] {
    return pair.master->next(rankwire::any_source, rankwire::any_tag, 8 * grace);
  });
  CHECK(!pair.worker->recv(0, 1, 8 * grace));
  CHECK(!of_master.get());
  pair.proxy.stall(false);
  check_reach_each_other(pair);
}

// And the other way round: the greeting that answers a probe passes, and no handshake.
TEST_CASE("times: a master that gives no signs and can be heard is not lost for three graces") {
  constexpr auto grace = 2s;
  Pair pair{without_thread(settings(60s, 1s)), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  pair.proxy.cut_all();
  CHECK(!pair.worker->recv(0, 1, 3 * grace));
  pair.proxy.pass_first_of_each({});
  check_reach_each_other(pair);
}

// But not for ever: what it says, which no handshake follows, may come from anybody.
TEST_CASE("times: a master that gives no signs and only greets is lost after four graces") {
  constexpr auto grace = 1s;
  Pair pair{without_thread(settings(60s, 1s)), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  const auto start = Clock::now();
  pair.proxy.cut_all();
  const auto lost = loss_in(*pair.worker);
  REQUIRE(lost);
  CHECK(*lost - start >= 4 * grace);
  CHECK(*lost - start <= 2 * (4 * grace + 1500ms) + 2s);
}

TEST_CASE("times: a master that was heard for a while is lost the grace after it falls silent") {
  constexpr auto grace = 4s;
  Pair pair{without_thread(settings(60s, 1s)), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  pair.proxy.cut_all();
  CHECK(!pair.worker->recv(0, 1, 1s));
  const auto start = Clock::now();
  pair.proxy.stall(true);
  const auto lost = loss_in(*pair.worker);
  REQUIRE(lost);
  CHECK(*lost - start >= grace);
  CHECK(*lost - start <= 2 * (grace + 1500ms) + 2s);
}

// The silence is a quarter of the grace, and noticed up to an eighth of it later.
TEST_CASE("times: a connection over which nothing comes is made again after the silence") {
  constexpr auto grace = 12s;
  constexpr auto silence = grace / 4;
  Pair pair{settings(grace, 1s)};
  pair.proxy.start({0, {{.kind = support::Fault::Kind::stall_old, .duration = 300s}}});
  const auto start = Clock::now();
  check_reach_each_other(pair);
  const auto time = Clock::now() - start;
  CHECK(time >= silence / 2);
  CHECK(time <= 2 * (silence + silence / 8) + 2s);
}

TEST_CASE("times: a worker that has lost the world is not waited for by a master that hears it") {
  constexpr auto grace = 2s;
  Pair pair{settings(grace, 1s)};
  const auto start = Clock::now();
  pair.proxy.stall(true);
  CHECK(loss_in(*pair.worker));
  const auto in_master = loss_in(*pair.master);
  REQUIRE(in_master);
  CHECK(*in_master - start <= lost_within(grace));
}

// As on a path whose routers drop what is larger than they like. PINGs, handshakes and probes pass.
TEST_CASE("times: where only small packets pass, master and worker lose each other in time") {
  constexpr auto grace = 4s;
  for (const int sender : {0, 1}) {
    CAPTURE(sender);
    Pair pair{settings(grace, 1s)};
    pair.proxy.pass_small_only(1200);
    const auto start = Clock::now();
    (sender == 0 ? pair.master : pair.worker)->send(1 - sender, 1, rankwire::Buffer{100'000});
    check_lose_each_other(pair, start, grace);
  }
}

TEST_CASE("times: where only small packets pass between workers, the master relays in time") {
  Three three{settings(4s, 1s)};
  CHECK(three.passes(100, patience));
  CHECK(!three.relayed());
  three.proxy.pass_small_only(1200);
  CHECK(three.passes(100'000, 30s));
  CHECK(three.relayed());
  three.proxy.pass_small_only({});
  const Deadline deadline = patience;
  while (three.relayed() && !deadline.expired()) CHECK(three.passes(100'000, 30s));
  CHECK(!three.relayed());
}

// The second one sends back over the connection that the first one dialed, through the proxy. If
// that lets nothing large pass, it dials the first one, to which no proxy is on the way.
TEST_CASE("times: a way back that closes is gone around") {
  Three three{settings(4s, 1s)};
  CHECK(three.passes(100, patience));
  CHECK(three.passes_back(100'000, patience));
  three.proxy.pass_small_only(1200);
  CHECK(three.passes_back(100'000, 30s));
  CHECK(!three.second->info().peers[1].relayed);
  three.proxy.refuse(true);
  three.proxy.cut_all();
  CHECK(three.passes_back(100'000, 30s));
  CHECK(!three.second->info().peers[1].relayed);
}

// A host that is busy: its system accepts, and all else takes its time.
TEST_CASE("times: a connection that is slow to come is no closed way") {
  Three three{settings(60s, 1s)};
  three.proxy.stall(true);
  CHECK(!three.passes(100, 5s));
  CHECK(!three.relayed());
  three.proxy.stall(false);
  const Deadline deadline = patience;
  bool came = false;
  while (!came && !deadline.expired()) {
    came = three.second->recv(1, 1, 20ms).has_value();
    (void)three.first->recv(2, 1, Deadline::poll());
  }
  CHECK(came);
  CHECK(!three.relayed());
}

TEST_CASE("times: a way that is closed is gone around, and used again when it is open") {
  Three three{settings(60s, 1s)};
  three.proxy.refuse(true);
  CHECK(three.passes(100, 20s));
  CHECK(three.relayed());
  three.proxy.refuse(false);
  const Deadline deadline = patience;
  while (three.relayed() && !deadline.expired()) CHECK(three.passes(100, 30s));
  CHECK(!three.relayed());
}
