#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>
#include <zmq.hpp>

#include "../support/folder.hpp"
#include "protocol/frame.hpp"
#include "protocol/protocol.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
using rankwire::UsageError;
namespace wire = rankwire::zmq_wire;

namespace {

/// A full exchange: every worker's number reaches the master.
void check_works(rankwire::Channel& master, std::vector<Opened>& workers) {
  for (auto& worker : workers) rankwire::send(*worker, 0, 1, worker->rank());
  for (int rank = 1; rank < master.size(); ++rank) {
    CHECK(rankwire::recv<int>(master, rank, 1, patience) == rank);
  }
}

}  // namespace

TEST_CASE("rendezvous: workers may come before the master, and get the ranks they want") {
  const auto endpoint = conformance::free_endpoint();
  auto second = worker(endpoint, 2);
  auto first = worker(endpoint, 1);
  std::this_thread::sleep_for(200ms);
  auto zero = master(endpoint, 3);
  std::vector<Opened> workers;
  workers.push_back(first.get());
  workers.push_back(second.get());
  const auto world = zero.get();
  CHECK(workers[0]->rank() == 1);
  CHECK(workers[1]->rank() == 2);
  check_works(*world, workers);
}

TEST_CASE("rendezvous: a rank that was asked for is kept from those who did not ask") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto any = worker(endpoint);
  std::this_thread::sleep_for(300ms);
  auto one = worker(endpoint, 1);
  std::vector<Opened> workers;
  workers.push_back(one.get());
  workers.push_back(any.get());
  const auto world = zero.get();
  CHECK(workers[0]->rank() == 1);
  CHECK(workers[1]->rank() == 2);
  check_works(*world, workers);
}

TEST_CASE("rendezvous: whoever does not belong is refused with the reason, and the rest go on") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto one = worker(endpoint, 1);
  auto other_job = settings();
  other_job.job = "tuesday";
  auto stranger = worker(endpoint, {}, other_job);
  const std::string job = refusal<UsageError>(stranger);
  CHECK(has(job, "tuesday"));
  CHECK(has(job, "default"));
  auto outside = worker(endpoint, 3);
  CHECK(has(refusal<UsageError>(outside), "rank 3"));
  auto other_size = settings();
  other_size.ranks = 5;
  auto five = worker(endpoint, {}, other_size);
  CHECK(has(refusal<UsageError>(five), "5 ranks"));
  // One of two who want rank 1 is refused, whichever comes second.
  std::string taken;
  auto twin = worker(endpoint, 1);
  Opened winner;
  if (twin.wait_for(2s) == std::future_status::ready) {
    taken = refusal<UsageError>(twin);
    auto two = worker(endpoint, 2);
    winner = one.get();
    (void)two.get();
  } else {
    taken = refusal<UsageError>(one);
    auto two = worker(endpoint, 2);
    winner = twin.get();
    (void)two.get();
  }
  CHECK(has(taken, "rank 1 is taken"));
  CHECK(winner->rank() == 1);
  const auto world = zero.get();
  CHECK(world->size() == 3);
  // And whoever comes when all are here.
  auto late = worker(endpoint);
  while (late.wait_for(0s) != std::future_status::ready) {
    (void)world->next(1, 1, 10ms);
  }
  CHECK(has(refusal<UsageError>(late), "complete"));
}

// A program that opens one world after the other: its ranks are not done at the same time.
TEST_CASE("rendezvous: a worker of the next world waits until this one has ended") {
  const Folder folder;
  std::string listens = conformance::free_endpoint(), joins = listens;
  auto with = settings();
  bool closes = true;
  SUBCASE("the master closes") {}
  SUBCASE("the master has not come to its end") {
    closes = false;
  }
  SUBCASE("over ipc") {
    listens = joins = "ipc://" + folder.path() + "/m";
  }
  SUBCASE("an address file, a port a world") {
    listens = "tcp://127.0.0.1:0";
    with.address_file = folder.path() + "/master";
    joins = "@" + with.address_file;
  }
  auto zero = master(listens, 3, with);
  auto one = worker(joins, 1);
  auto two = worker(joins, 2);
  auto world = zero.get();
  auto first = one.get(), second = two.get();
  std::thread serving{[&] {
    if (!closes) CHECK(world->next(2, 1, patience));  // the end of rank 2
    world->close(patience);
  }};
  first->close();
  first.reset();
  auto next = worker(joins, 1), any = worker(joins);
  CHECK(next.wait_for(1500ms) != std::future_status::ready);
  CHECK(any.wait_for(0ms) != std::future_status::ready);
  second->close();
  serving.join();
  world.reset();
  zero = master(listens, 3, with);
  std::vector<Opened> workers;
  workers.push_back(next.get());
  workers.push_back(any.get());
  const auto next_world = zero.get();
  check_works(*next_world, workers);
}

TEST_CASE("rendezvous: a master that closes has a next world, though nobody else has left yet") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 2);
  auto one = worker(endpoint, 1);
  auto world = zero.get();
  const auto first = one.get();
  std::thread serving{[&] { world->close(patience); }};
  while (!first->departure(0)) std::this_thread::sleep_for(1ms);
  auto next = worker(endpoint, 1);
  CHECK(next.wait_for(1s) != std::future_status::ready);
  first->close();
  serving.join();
  world.reset();
  zero = master(endpoint, 2);
  std::vector<Opened> workers;
  workers.push_back(next.get());
  const auto next_world = zero.get();
  check_works(*next_world, workers);
}

TEST_CASE("rendezvous: a worker of a next world that does not come says what it waited for") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto one = worker(endpoint, 1);
  auto two = worker(endpoint, 2);
  const auto world = zero.get();
  auto first = one.get(), second = two.get();
  std::thread serving{[&] { world->close(patience); }};
  first->close();
  auto hurried = settings();
  hurried.join_timeout = 500ms;
  auto next = worker(endpoint, 1, hurried);
  const std::string text = refusal<rankwire::Timeout>(next);
  CHECK(has(text, "ends a world"));
  CHECK(has(text, "--join-timeout"));
  second->close();
  serving.join();
}

TEST_CASE("rendezvous: the address file is not a forked process's to remove") {
#ifdef __SANITIZE_THREAD__
  MESSAGE("skipped: ThreadSanitizer does not stand forks of threads");
  return;
#endif
  const Folder folder;
  auto with = settings();
  with.address_file = folder.path() + "/master";
  auto zero = master("tcp://127.0.0.1:0", 2, with);
  auto one = worker("@" + with.address_file, 1);
  auto world = zero.get();
  const auto first = one.get();
  const pid_t child = fork();
  if (child == 0) {
    world.reset();
    _exit(0);
  }
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(std::filesystem::exists(with.address_file));
  std::thread serving{[&] { world->close(patience); }};
  first->close();
  serving.join();
  CHECK_FALSE(std::filesystem::exists(with.address_file));
}

TEST_CASE("rendezvous: at the deadline master and workers say who is missing") {
  const auto endpoint = conformance::free_endpoint();
  auto hurried = settings();
  hurried.join_timeout = 1500ms;
  auto zero = master(endpoint, 4, hurried);
  auto two = worker(endpoint, 2);
  const std::string at_master = refusal<rankwire::Timeout>(zero);
  CHECK(has(at_master, "ranks 1, 3"));
  const std::string at_worker = refusal<rankwire::Timeout>(two);
  CHECK(has(at_worker, "ranks 1, 3"));
}

TEST_CASE("rendezvous: a worker that only waits for the start says so") {
  zmq::context_t context;
  zmq::socket_t fake_master{context, zmq::socket_type::router};
  const auto endpoint = conformance::free_endpoint();
  fake_master.bind(endpoint);
  fake_master.set(zmq::sockopt::rcvtimeo, 10'000);
  fake_master.set(zmq::sockopt::linger, 0);
  auto hurried = settings();
  hurried.join_timeout = 1500ms;
  auto one = worker(endpoint, {}, hurried);
  zmq::message_t name, hello;
  REQUIRE(fake_master.recv(name));
  REQUIRE(fake_master.recv(hello));
  const auto body = rankwire::encode(wire::Welcome{300, 300, {}, 0, 0});
  fake_master.send(name, zmq::send_flags::sndmore);
  fake_master.send(
      wire::frame_of({wire::Kind::welcome, wire::protocol_version, body.size()}, body.bytes()),
      zmq::send_flags::none);
  const std::string text = refusal<rankwire::Timeout>(one);
  CHECK(has(text, "all 300 ranks are here, and the master at " + endpoint));
  CHECK(has(text, "did not start the world within 1.5 s"));
}

TEST_CASE("rendezvous: a worker that nobody answers says where it looked and what it saw") {
  const auto endpoint = conformance::free_endpoint();
  auto hurried = settings();
  hurried.join_timeout = 300ms;
  auto alone = worker(endpoint, {}, hurried);
  const std::string text = refusal<rankwire::Timeout>(alone);
  CHECK(has(text, endpoint));
  CHECK(has(text, "refused"));
}

TEST_CASE("rendezvous: a worker that dies before the start frees its rank") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto hurried = settings();
  hurried.join_timeout = 500ms;
  auto mortal = worker(endpoint, 1, hurried);  // gives up: its process would end
  CHECK(!refusal<rankwire::Timeout>(mortal).empty());
  auto one = worker(endpoint, 1);
  auto two = worker(endpoint, 2);
  std::vector<Opened> workers;
  workers.push_back(one.get());
  workers.push_back(two.get());
  const auto world = zero.get();
  check_works(*world, workers);
}

TEST_CASE("rendezvous: other interfaces than loopback need --insecure") {
  auto zero = master("tcp://0.0.0.0:0", 2);
  CHECK(has(refusal<UsageError>(zero), "--insecure"));
}
