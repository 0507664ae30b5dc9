#include <chrono>
#include <csignal>
#include <deque>
#include <thread>

#include "by_hand.hpp"

using namespace test_system;
using namespace std::chrono_literals;

namespace {

void wait_until_all_wait(ByHand& world, int ranks) {
  for (int rank = 0; rank < ranks; ++rank) {
    world.rank(rank).wait_for_text("rank " + std::to_string(rank) + " waits");
  }
}

/// These have done their part: 0 when they had left before the world was aborted, else 5.
void check_ended(ByHand& world, std::initializer_list<int> ranks) {
  for (const int rank : ranks) {
    const auto result = world.rank(rank).wait();
    if (result.code != 0) CHECK_CODE(result, 5);
  }
}

}  // namespace

TEST_CASE("by hand: too few open files are told as that, before anything is waited for") {
  const Arguments zmq{PRODUCT, "--transport", "zmq"};
  for (const std::string limit : {"5", "10", "20", "40"}) {
    CAPTURE(limit);
#ifdef __SANITIZE_ADDRESS__
    if (limit == "5") continue;  // the sanitizer itself needs more
#endif
    const Arguments limited{"bash", "-c", "ulimit -n " + limit + "; exec \"$0\" \"$@\""};
    const auto result =
        support::run({limited + zmq + Arguments{"--listen", "tcp://127.0.0.1:0", "-n", "40"}});
    CHECK_CODE(result, 1);
    CHECK_HAS(result.err, "rank 0 of a world of 40 ranks");
    CHECK_HAS(result.err, "ulimit -n is " + limit);
  }
  const Arguments limited{"bash", "-c", "ulimit -n 10; exec \"$0\" \"$@\""};
  const auto worker = support::run({limited + zmq + Arguments{"--join", "tcp://127.0.0.1:1"}});
  CHECK_CODE(worker, 1);
  CHECK_HAS(worker.err, "ulimit -n is 10");
}

TEST_CASE("by hand: the golden output, master first or workers first") {
  for (const int ranks : {1, 2, 4}) {
    for (const bool master_first : {true, false}) {
      CAPTURE(ranks);
      CAPTURE(master_first);
      ByHand world{ranks};
      if (master_first) {
        world.start_master({PRODUCT});
        world.rank(0).wait_for_text(ranks == 1 ? "Total" : "listens");
      }
      for (int rank = 1; rank < ranks; ++rank) world.start_worker(rank, {PRODUCT});
      if (!master_first) world.start_master({PRODUCT});
      const auto result = world.rank(0).wait();
      CHECK_CODE(result, 0);
      CHECK(result.out == golden(ranks));
      for (int rank = 1; rank < ranks; ++rank) {
        const auto worker = world.rank(rank).wait();
        CHECK_CODE(worker, 0);
        CHECK(worker.out.empty());
      }
    }
  }
}

TEST_CASE("by hand: 12 ranks, by order of arrival") {
  ByHand world{12};
  world.start_master({PRODUCT});
  std::deque<Process> workers;
  for (int i = 1; i < 12; ++i) workers.emplace_back(Command{{PRODUCT, "--join", world.endpoint()}});
  const auto result = world.rank(0).wait();
  CHECK_CODE(result, 0);
  CHECK(result.out == golden(12));
  for (auto& worker : workers) CHECK_CODE(worker.wait(), 0);
}

TEST_CASE("by hand: --fail on each way, and every process ends") {
  const Arguments json{PRODUCT, "--format", "json", "--timeout", "5s", "--fail"};
  const auto run = [&](const char* how, int code, const char* word) {
    ByHand world{4};
    world.start_all(json + Arguments{how});
    const auto result = world.rank(0).wait();
    CHECK_CODE(result, code);
    CHECK(result.out == json_line(1) + json_line(3));
    CHECK_HAS(result.err, word);
    CHECK_HAS(result.err, "rank 2 (");
    CHECK_HAS(result.err, "pid " + std::to_string(world.rank(2).pid()));
    check_ended(world, {1, 3});
  };
  SUBCASE("crash") {
    run("2:crash", 3, "was lost");
  }
  SUBCASE("leave") {
    run("2:leave", 3, " left ");
  }
  SUBCASE("hang") {
    run("2:hang", 4, "gave no result within 5s");
  }
}

TEST_CASE("kill -9 of a worker before it sends: the master names it and ends") {
  ByHand world{4};
  world.start_all({PRODUCT, "--format", "json", "--fail", "2:hang"});
  world.rank(0).wait_for_text("{\"rank\":1,");
  world.rank(2).send_signal(SIGKILL);
  const auto result = world.rank(0).wait();
  CHECK_CODE(result, 3);
  CHECK(result.out == json_line(1) + json_line(3));
  CHECK_HAS(result.err, "was lost");
  CHECK_HAS(result.err, "pid " + std::to_string(world.rank(2).pid()));
  check_ended(world, {1, 3});
}

TEST_CASE("kill -9 of the master while workers wait for a message: they end with an error") {
  ByHand world{3};
  world.start_all({WAITER});
  wait_until_all_wait(world, 3);
  world.rank(0).send_signal(SIGKILL);
  for (const int rank : {1, 2}) {
    const auto result = world.rank(rank).wait(15s);
    CHECK(result.code != 0);
    CHECK_HAS(result.err, "rank 0 (");
    CHECK_HAS(result.err, "was lost");
  }
}

TEST_CASE("kill -9 of the master while workers wait for the world to be complete") {
  ByHand world{4};
  world.start_master({PRODUCT});
  for (const int rank : {1, 2}) world.start_worker(rank, {PRODUCT, "--join-timeout", "10s"});
  world.rank(0).wait_for_text("waits for rank 3");
  world.rank(0).send_signal(SIGKILL);
  for (const int rank : {1, 2}) {
    const auto result = world.rank(rank).wait(15s);
    CHECK(result.code != 0);
    CHECK_HAS(result.err, world.endpoint());
  }
}

TEST_CASE("SIGINT at any rank ends the whole world") {
  for (const int interrupted : {0, 1, 2}) {
    CAPTURE(interrupted);
    ByHand world{3};
    world.start_all({WAITER});
    wait_until_all_wait(world, 3);
    world.rank(interrupted).send_signal(SIGINT);
    for (int rank = 0; rank < 3; ++rank) {
      const auto result = world.rank(rank).wait();
      if (rank == interrupted) {
        CHECK_CODE(result, 130);
        CHECK_HAS(result.err, "interrupted by SIGINT");
      } else {
        CHECK_CODE(result, 5);
        CHECK_HAS(result.err, "rank " + std::to_string(interrupted) + " (");
        CHECK_HAS(result.err, "ended the world");
      }
    }
  }
}

TEST_CASE("SIGINT ends who waits for the world to be complete") {
  ByHand world{3};
  world.start_master({PRODUCT});
  world.rank(0).wait_for_text("waits for");
  world.rank(0).send_signal(SIGINT);
  CHECK_CODE(world.rank(0).wait(), 130);
  Process worker{{{PRODUCT, "--join", world.endpoint()}}};
  std::this_thread::sleep_for(200ms);
  worker.send_signal(SIGINT);
  CHECK_CODE(worker.wait(), 130);
}

TEST_CASE("a port in use is refused") {
  ByHand world{2};
  world.start_master({PRODUCT});
  world.rank(0).wait_for_text("listens");
  const auto second = support::run({{PRODUCT, "--listen", world.endpoint(), "-n", "2"}});
  CHECK_CODE(second, 2);
  CHECK_HAS(second.err, world.endpoint());
  CHECK_HAS(second.err, "in use");
}

TEST_CASE("no master there: the worker says where it looked, and ends") {
  const ByHand nobody{2};
  const auto result =
      support::run({{PRODUCT, "--join", nobody.endpoint(), "--join-timeout", "1s"}});
  CHECK_CODE(result, 4);
  CHECK_HAS(result.err, nobody.endpoint());
}

TEST_CASE("too few workers: the master says who is missing, and ends") {
  ByHand world{3};
  world.start_worker(2, {PRODUCT});
  const auto start = std::chrono::steady_clock::now();
  const auto master =
      support::run({{PRODUCT, "--listen", world.endpoint(), "-n", "3", "--join-timeout", "3s"}});
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  CHECK_CODE(master, 4);
  CHECK(time.count() >= 3);
  CHECK(time.count() <= 2 * 3 + 2);
  CHECK_HAS(master.err, "rank 1");
  CHECK(world.rank(2).wait().code != 0);
}

TEST_CASE("options that cannot be meant over ZeroMQ are refused") {
  const auto refused = [](const Arguments& arguments, const Arguments& words) {
    const auto result = support::run({Arguments{PRODUCT} + arguments});
    CHECK_CODE(result, 2);
    for (const auto& word : words) CHECK_HAS(result.err, word);
  };
  refused({"--listen", "tcp://127.0.0.1:1", "--join", "tcp://127.0.0.1:1"}, {"--listen", "--join"});
  refused({"--listen", "tcp://127.0.0.1:0"}, {"-n N"});
  refused({"--listen", "127.0.0.1:5555", "-n", "2"}, {"'127.0.0.1:5555'", "tcp://"});
  refused({"--join", "tcp://127.0.0.1:0"}, {"port 0"});
  refused({"--join", "tcp://127.0.0.1:port"}, {"'port'"});
  refused({"--join", "tcp://127.0.0.1:70000"}, {"'70000'"});
  refused({"--transport", "zmq"}, {"--listen", "--join"});
  refused({"--rank", "2"}, {"--rank", "--join"});
  refused({"--listen", "tcp://0.0.0.0:0", "-n", "2"}, {"--insecure"});
}

TEST_CASE("workers that do not belong are refused, with the reason on their side") {
  ByHand world{4};
  world.start_master({PRODUCT});
  world.rank(0).wait_for_text("listens");
  const auto refused = [&](const Arguments& options, const char* word) {
    const auto result = support::run({Arguments{PRODUCT, "--join", world.endpoint()} + options});
    CHECK_CODE(result, 2);
    CHECK_HAS(result.err, word);
  };
  refused({"--rank", "4"}, "4");
  refused({"--job", "another"}, "job");
  refused({"-n", "5"}, "5");
  world.start_worker(1, {PRODUCT});
  world.rank(0).wait_for_text("waits for ranks 2");
  refused({"--rank", "1"}, "rank 1");
  for (const int rank : {2, 3}) world.start_worker(rank, {PRODUCT});
  CHECK(world.rank(0).wait().out == golden(4));
}
