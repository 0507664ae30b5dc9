#include <doctest/doctest.h>

#include <thread>
#include <zmq.hpp>

#include "../support/log_text.hpp"
#include "reach/interfaces.hpp"
#include "zmq_sockets.hpp"
#include "zmq_world.hpp"

// Whole worlds whose ranks find each other in all the ways that --listen, --join, --advertise,
// --port-range and --address-file allow.

using namespace zmq_world;
using namespace zmq_sockets;
using rankwire::UsageError;

namespace {

struct World {
  Opened master;
  std::vector<Opened> workers;
};

World complete(std::future<Opened> master, std::vector<std::future<Opened>> workers) {
  World world;
  for (auto& each : workers) world.workers.push_back(each.get());
  world.master = master.get();
  return world;
}

/// Every worker's number reaches the master, and the next worker.
void check_works(World& world) {
  const auto count = static_cast<int>(world.workers.size());
  for (auto& worker : world.workers) {
    rankwire::send(*worker, 0, 1, worker->rank());
    rankwire::send(*worker, worker->rank() % count + 1, 2, worker->rank());
  }
  for (auto& worker : world.workers) {
    CHECK(rankwire::recv<int>(*world.master, worker->rank(), 1, patience) == worker->rank());
    const int before = worker->rank() == 1 ? count : worker->rank() - 1;
    CHECK(rankwire::recv<int>(*worker, before, 2, patience) == before);
  }
}

ZmqSettings with_file(const std::string& path, bool insecure = false) {
  auto with = settings();
  with.address_file = path;
  with.insecure = insecure;
  return with;
}

std::vector<std::future<Opened>> two_workers(const std::string& endpoint,
                                             const ZmqSettings& with = settings()) {
  std::vector<std::future<Opened>> workers;
  workers.push_back(worker(endpoint, 1, with));
  workers.push_back(worker(endpoint, 2, with));
  return workers;
}

std::uint16_t free_port() {
  return wire::port_of(conformance::free_endpoint());
}

bool wait_for_file(const std::string& path) {
  const rankwire::Deadline deadline{patience};
  while (!std::filesystem::exists(path) && !deadline.expired()) std::this_thread::sleep_for(5ms);
  return std::filesystem::exists(path);
}

}  // namespace

TEST_CASE("reach: by a file and port 0; it is there while the world can be joined") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto workers = two_workers("@" + path);  // they wait for it
  std::this_thread::sleep_for(100ms);
  auto world = complete(master("tcp://127.0.0.1:0", 3, with_file(path)), std::move(workers));
  CHECK(content(path).starts_with("tcp://127.0.0.1:"));
  check_works(world);
  std::vector<std::future<void>> leaving;
  for (auto& each : world.workers) {
    leaving.push_back(std::async(std::launch::async, [&each] { each->close(); }));
  }
  world.master->close(patience);
  CHECK(folder.entries() == 0);
}

TEST_CASE("reach: a master whose name nobody knows is refused, with what to try") {
  ZmqSettings worker;
  worker.join = "tcp://no-such-host.invalid:1";
  CHECK_THROWS_WITH_AS((void)open_zmq(worker),
                       doctest::Contains("--join tcp://no-such-host.invalid:1: host "
                                         "'no-such-host.invalid' has no address: "),
                       UsageError);
  CHECK_THROWS_WITH_AS((void)open_zmq(worker), doctest::Contains("; say the master's host by"),
                       UsageError);
}

TEST_CASE("reach: every interface, with --insecure") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto open = settings();
  open.insecure = true;
  auto zero = master("tcp://*:0", 3, with_file(path, true));
  auto world = complete(std::move(zero), two_workers("@" + path, open));
  check_works(world);
  // The same port stands open on loopback, of both kinds where there are two.
  const auto port = wire::port_of(content(path).substr(0, content(path).find('\n')));
  auto known = wire::probe_all({fmt::format("tcp://127.0.0.1:{}", port)}, patience);
  CHECK(known.front().outcome() == wire::Probe::Outcome::accepted);
  if (!has_ipv6()) return;
  auto sixth = wire::probe_all({fmt::format("tcp://[::1]:{}", port)}, patience);
  CHECK(sixth.front().outcome() == wire::Probe::Outcome::accepted);
}

TEST_CASE("reach: an interface, whose addresses stand in the file") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto world = complete(master("tcp://lo:0", 3, with_file(path)), two_workers("@" + path));
  CHECK(has(content(path), "tcp://127.0.0.1:"));
  CHECK(has(content(path), "tcp://[::1]:") == has_ipv6());
  check_works(world);
}

TEST_CASE("reach: IPv6") {
  if (!has_ipv6()) return;
  const std::string endpoint = fmt::format("tcp://[::1]:{}", free_port());
  auto world = complete(master(endpoint, 3), two_workers(endpoint));
  check_works(world);
  CHECK(world.master->info().peers[1].endpoint.starts_with("tcp://[::1]:"));
}

TEST_CASE("reach: a name") {
  const std::string endpoint = fmt::format("tcp://localhost:{}", free_port());
  auto world = complete(master(endpoint, 3), two_workers(endpoint));
  check_works(world);
}

TEST_CASE("reach: of several addresses the one that answers") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  const HeldPort refuses{HeldPort::How::bound};
  const DeafPort deaf;
  const std::string endpoint = conformance::free_endpoint();
  write(path, fmt::format("{}\n{}\ntcp://nobody.invalid:7\n{}\n", refuses.endpoint(),
                          deaf.endpoint(), endpoint));
  auto world = complete(master(endpoint, 3), two_workers("@" + path));
  check_works(world);
}

TEST_CASE("reach: a file of an earlier run is no hindrance") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  SUBCASE("nobody listens there any more") {
    const HeldPort refuses{HeldPort::How::bound};
    write(path, refuses.endpoint() + "\n");
    auto workers = two_workers("@" + path);
    std::this_thread::sleep_for(500ms);
    auto world = complete(master("tcp://127.0.0.1:0", 3, with_file(path)), std::move(workers));
    check_works(world);
  }
  SUBCASE("somebody else who speaks ZeroMQ has the port now") {
    zmq::context_t context;
    zmq::socket_t stranger{context, zmq::socket_type::router};
    stranger.bind("tcp://127.0.0.1:*");
    write(path, stranger.get(zmq::sockopt::last_endpoint) + "\n");
    auto workers = two_workers("@" + path);
    zmq::message_t hello;
    REQUIRE(stranger.recv(hello));  // they have found it
    auto world = complete(master("tcp://127.0.0.1:0", 3, with_file(path)), std::move(workers));
    check_works(world);
  }
}

TEST_CASE("reach: a worker that finds nobody says what each address answered") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto hurried = settings();
  hurried.join_timeout = 300ms;
  auto waits = worker("@" + path, {}, hurried);
  const std::string none = refusal<rankwire::Timeout>(waits);
  CHECK(has(none, path));
  CHECK(has(none, "no such file"));
  const HeldPort refuses{HeldPort::How::bound};
  const DeafPort deaf;
  write(path, fmt::format("{}\n{}\n", refuses.endpoint(), deaf.endpoint()));
  auto asks = worker("@" + path, {}, hurried);
  const std::string text = refusal<rankwire::Timeout>(asks);
  CHECK(has(text, refuses.endpoint() + ": Connection refused"));
  CHECK(has(text, deaf.endpoint() + ": no answer"));
  write(path, "tcp://:1\n");
  auto misled = worker("@" + path);
  CHECK(has(refusal<UsageError>(misled), path + ": line 1"));
  auto nameless = worker("@");
  CHECK(has(refusal<UsageError>(nameless), "missing"));
}

TEST_CASE("reach: the file goes when the world does not come about") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto with = with_file(path);
  with.join_timeout = 1s;
  auto zero = master("tcp://127.0.0.1:0", 2, with);
  CHECK(wait_for_file(path));
  CHECK(has(refusal<rankwire::Timeout>(zero), "rank"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("reach: a master that goes before the start is looked for where the next one is") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto brief = with_file(path);
  brief.join_timeout = 30s;
  auto workers = two_workers("@" + path);
  {
    // A master that is killed: its sockets close without a word, its file stays.
    zmq::context_t context;
    zmq::socket_t killed{context, zmq::socket_type::router};
    killed.set(zmq::sockopt::linger, 0);
    killed.bind("tcp://127.0.0.1:*");
    write(path, killed.get(zmq::sockopt::last_endpoint) + "\n");
    zmq::message_t hello;
    REQUIRE(killed.recv(hello));
  }
  auto world = complete(master("tcp://127.0.0.1:0", 3, brief), std::move(workers));
  check_works(world);
}

TEST_CASE("reach: others are told what is advertised, a name too") {
  const Folder folder;
  const std::string path = folder.file("addresses");
  auto zero = with_file(path);
  zero.advertise = "localhost";
  auto with = settings();
  with.advertise = "localhost";
  auto opening = master("tcp://127.0.0.1:0", 3, zero);
  auto world = complete(std::move(opening), two_workers("@" + path, with));
  CHECK(content(path).starts_with("tcp://localhost:"));
  for (int rank = 0; rank < 3; ++rank) {
    const auto at = static_cast<std::size_t>(rank);
    CHECK(world.workers[0]->info().peers[at].endpoint.starts_with("tcp://localhost:"));
  }
  check_works(world);
}

TEST_CASE("reach: a worker listens on a port of its range, or says that all are taken") {
  std::optional<HeldPair> held{two_ports(HeldPort::How::listening)};
  const rankwire::PortRange range{held->first.port(), held->second.port()};
  auto with = settings();
  with.port_range = range;
  const std::string endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto unlucky = worker(endpoint, 1, with);
  CHECK(has(refusal<UsageError>(unlucky), fmt::format("{}:{}", range.first, range.last)));
  held.reset();
  auto world = complete(std::move(zero), two_workers(endpoint, with));
  for (std::size_t rank = 1; rank < 3; ++rank) {
    const auto port = wire::port_of(world.master->info().peers[rank].endpoint);
    CHECK(port >= range.first);
    CHECK(port <= range.last);
  }
  check_works(world);
}

TEST_CASE("reach: what others can reach needs --insecure or keys, whatever way it is said") {
  auto everywhere = master("tcp://*:0", 2);
  CHECK(has(refusal<UsageError>(everywhere), "--insecure"));
  auto nowhere = master("tcp://203.0.113.7:0", 2, [] {
    auto with = settings();
    with.insecure = true;
    return with;
  }());
  CHECK(has(refusal<UsageError>(nowhere), "not an address of this machine"));
  // A worker that could come by loopback, but whom others could not reach there.
  const auto network = wire::reachable_endpoints({"tcp://0.0.0.0:7"}, "");
  if (network.front().starts_with("tcp://127.")) {
    MESSAGE("skipped: this machine has no network besides loopback");
    return;
  }
  const Folder folder;
  const std::string path = folder.file("addresses");
  write(path, "tcp://127.0.0.1:7\n" + network.front() + "\n");
  auto timid = worker("@" + path);
  CHECK(has(refusal<UsageError>(timid), "--insecure"));
}

TEST_CASE(
    "reach: what a rank sent before it closed may come by the relay after the grace is over") {
  auto with = settings();
  with.grace = 500ms;  // the relay comes after 2 s and more
  with.linger = 10s;
  // Worker 2 advertises an address where somebody accepts, and says nothing.
  const launcher::ReservedPort own{0};
  const auto number = static_cast<std::uint16_t>(own.number());
  const HeldPort mute{HeldPort::How::listening, "127.0.0.2", number};
  REQUIRE(mute.held());
  auto hidden = with;
  hidden.advertise = "127.0.0.2";
  hidden.port_range = rankwire::PortRange{number, number};
  const std::string endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3, with);
  std::vector<std::future<Opened>> workers;
  workers.push_back(worker(endpoint, 1, with));
  workers.push_back(worker(endpoint, 2, hidden));
  auto world = complete(std::move(zero), std::move(workers));
  Opened &one = world.workers[0], &two = world.workers[1];
  const auto leave = [](Opened& rank) {
    return std::async(std::launch::async, [&rank] { rank->close(patience); });
  };
  rankwire::send(*one, 2, 1, 7);
  auto one_leaves = leave(one);
  auto zero_serves = leave(world.master);
  CHECK(rankwire::recv<int>(*two, 1, 1, patience) == 7);
  std::optional<rankwire::Departure> departure;
  while (!(departure = two->departure(1))) std::this_thread::sleep_for(1ms);
  CHECK(departure->kind == rankwire::Departure::Kind::left);
  two->close();
  one_leaves.get();
  zero_serves.get();
}

TEST_CASE("reach: a worker that cannot be dialed is answered over the connection that it dialed") {
  auto hidden = settings();
  hidden.advertise = "127.9.9.9";  // nobody is there
  const std::string endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  std::vector<std::future<Opened>> workers;
  workers.push_back(worker(endpoint, 1, hidden));
  workers.push_back(worker(endpoint, 2));
  auto world = complete(std::move(zero), std::move(workers));
  Opened &one = world.workers[0], &two = world.workers[1];
  const std::string large(5'000'000, 'x');  // more than a piece between hosts
  auto one_talks = std::async(std::launch::async, [&] {
    rankwire::send(*one, 2, 1, large);
    return rankwire::recv<std::string>(*one, 2, 2, patience) == large &&
           rankwire::recv<std::string>(*one, 2, 2, patience) == "then";
  });
  CHECK(rankwire::recv<std::string>(*two, 1, 1, patience) == large);
  rankwire::send(*two, 1, 2, large);
  rankwire::send(*two, 1, 2, std::string{"then"});
  CHECK(one_talks.get());
  CHECK_FALSE(two->info().peers[1].relayed);
  auto one_leaves = std::async(std::launch::async, [&] { one->close(patience); });
  auto zero_leaves = std::async(std::launch::async, [&] { world.master->close(patience); });
  two->close(patience);
  one_leaves.get();
  zero_leaves.get();
}

TEST_CASE("reach: a world with a relay that ends in order says nothing of broken connections") {
  auto hidden = settings();
  hidden.advertise = "127.9.9.9";  // nobody is there: refused at once
  const std::string endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  std::vector<std::future<Opened>> workers;
  workers.push_back(worker(endpoint, 1));
  workers.push_back(worker(endpoint, 2, hidden));
  auto world = complete(std::move(zero), std::move(workers));
  const support::LogText log;
  std::vector<std::future<bool>> ranks;
  for (int rank = 1; rank <= 2; ++rank) {
    ranks.push_back(std::async(std::launch::async, [&, rank] {
      auto& own = *world.workers[static_cast<std::size_t>(rank) - 1];
      rankwire::send(own, 3 - rank, 1, rank);
      CHECK(rankwire::recv<int>(own, 3 - rank, 1, patience) == 3 - rank);
      const bool relayed = own.info().peers[static_cast<std::size_t>(3 - rank)].relayed;
      own.close();
      return relayed;
    }));
  }
  world.master->close(patience);
  (void)ranks[0].get();  // it may not know yet that its link goes by the relay
  CHECK(ranks[1].get());
  CAPTURE(log.text());
  CHECK_FALSE(has(log.text(), "broke"));
}
