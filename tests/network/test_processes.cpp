#include <doctest/doctest.h>
#include <fmt/format.h>

#include <csignal>
#include <deque>
#include <string>
#include <thread>

#include "../../apps/rankwire/port.hpp"
#include "../support/fault_proxy.hpp"
#include "../support/folder.hpp"
#include "../support/process.hpp"
#include "lost_within.hpp"

// Processes that stop, are killed, or compute while the network breaks. The build says where the
// program is: STREAM.

using namespace std::chrono_literals;
using support::Process;

namespace {

constexpr auto grace = 4s;

/// TCP through a proxy, or Unix sockets.
enum class Over { tcp, ipc };

/// Three ranks that stream checked messages to each other.
class World {
 public:
  World(Over over, const std::string& seconds, std::chrono::seconds with_grace,
        const std::vector<std::string>& options = {}) {
    const bool ipc = over == Over::ipc;
    const std::string path = "ipc://" + folder_ / "master";
    const auto listen = ipc ? path : fmt::format("tcp://127.0.0.1:{}", port_.number());
    const auto join = ipc ? path : proxy.endpoint();
    for (int rank = 0; rank < 3; ++rank) {
      std::vector<std::string> arguments{
          STREAM,     "--seconds", seconds, "--grace", fmt::format("{}s", with_grace.count()),
          "--linger", "20s"};
      arguments.insert(arguments.end(), options.begin(), options.end());
      const auto mine =
          rank == 0 ? std::vector<std::string>{"-n", "3", "--listen", listen}
                    : std::vector<std::string>{"--rank", fmt::format("{}", rank), "--join", join};
      arguments.insert(arguments.end(), mine.begin(), mine.end());
      ranks_.emplace_back(support::Command{arguments});
    }
    for (int rank = 0; rank < 3; ++rank) this->rank(rank).wait_for_text("streams");
  }
  ~World() {
    for (auto& rank : ranks_) rank.send_signal(SIGCONT);
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Process& rank(int number) { return ranks_.at(static_cast<std::size_t>(number)); }
  void check_nothing_lost() {
    for (int number = 0; number < 3; ++number) {
      const auto result = rank(number).wait();
      INFO(result.out, result.err);
      CHECK(result.code == 0);
      CHECK(result.out.find("lost") == std::string::npos);
    }
  }
  /// These have lost that rank and nobody else, and end with what they had to do.
  void check_lost(int lost, std::initializer_list<int> others) {
    for (const int number : others) {
      const auto result = rank(number).wait();
      INFO(result.out, result.err);
      CHECK(result.code == 3);
      for (int other = 0; other < 3; ++other) {
        const auto text = fmt::format("lost rank {}: ", other);
        CHECK((result.out.find(text) != std::string::npos) == (other == lost));
      }
    }
  }

 private:
  launcher::ReservedPort port_{0};
  const Folder folder_;

 public:
  support::FaultProxy proxy{static_cast<std::uint16_t>(port_.number())};

 private:
  std::deque<Process> ranks_;
};

void stopped_for_less(Over over, int stopped) {
  World world{over, "4", grace};
  world.rank(stopped).send_signal(SIGSTOP);
  std::this_thread::sleep_for(grace / 2);
  world.rank(stopped).send_signal(SIGCONT);
  world.check_nothing_lost();
}

/// Less than a stopped process's system takes without its help, and more than PINGs.
const std::vector<std::string> trickle{"--bytes", "200", "--every-ms", "20"};

/// The others lose the worker, and it is told when it wakes.
void worker_stopped_for_longer(Over over, const std::vector<std::string>& options = {}) {
  World world{over, "9", grace, options};
  world.rank(2).send_signal(SIGSTOP);
  for (const int rank : {0, 1}) {
    world.rank(rank).wait_for_text("lost rank 2: ", network::lost_within(grace));
  }
  world.rank(2).send_signal(SIGCONT);
  const auto woken = world.rank(2).wait();
  INFO(woken.out, woken.err);
  CHECK(woken.code == 3);
  CHECK(woken.out.find("lost rank 0: ") != std::string::npos);
  world.check_lost(2, {0, 1});
}

/// The workers lose the master, and it is told when it wakes.
void master_stopped_for_longer(Over over, const std::vector<std::string>& options = {}) {
  World world{over, "9", grace, options};
  world.rank(0).send_signal(SIGSTOP);
  for (const int rank : {1, 2}) {
    world.rank(rank).wait_for_text("lost rank 0: ", network::lost_within(grace));
    CHECK(world.rank(rank).wait().code == 3);
  }
  world.rank(0).send_signal(SIGCONT);
  const auto woken = world.rank(0).wait();
  INFO(woken.out, woken.err);
  CHECK(woken.code == 3);
  for (const char* text : {"lost rank 1: ", "lost rank 2: "}) {
    CHECK(woken.out.find(text) != std::string::npos);
  }
}

/// The promise is 2 s. The bound leaves room for a busy machine, and is far from the grace.
void killed_is_noticed(Over over, int killed) {
  World world{over, "4", 60s};
  // A proxy that goes on listening would stand for the master.
  if (killed == 0) world.proxy.refuse(true);
  world.rank(killed).send_signal(SIGKILL);
  for (int rank = 0; rank < 3; ++rank) {
    if (rank == killed) continue;
    world.rank(rank).wait_for_text(fmt::format("lost rank {}: ", killed), 15s);
  }
  if (killed == 2) world.check_lost(2, {0, 1});
}

}  // namespace

TEST_CASE("tcp: stopped for less than the grace: nothing is lost") {
  for (const int stopped : {0, 1}) {
    CAPTURE(stopped);
    stopped_for_less(Over::tcp, stopped);
  }
}
TEST_CASE("ipc: stopped for less than the grace: nothing is lost") {
  for (const int stopped : {0, 1}) {
    CAPTURE(stopped);
    stopped_for_less(Over::ipc, stopped);
  }
}

TEST_CASE("tcp: a worker stopped for longer is lost, and told when it wakes") {
  worker_stopped_for_longer(Over::tcp);
}
TEST_CASE("ipc: a worker stopped for longer is lost, and told when it wakes") {
  worker_stopped_for_longer(Over::ipc);
}

TEST_CASE("tcp: a master stopped for longer is lost, and told when it wakes") {
  master_stopped_for_longer(Over::tcp);
}
TEST_CASE("ipc: a master stopped for longer is lost, and told when it wakes") {
  master_stopped_for_longer(Over::ipc);
}

// What its system acknowledges is no sign of its life.
TEST_CASE("tcp: a worker stopped for longer is lost, though little is sent to it all the time") {
  worker_stopped_for_longer(Over::tcp, trickle);
}
TEST_CASE("tcp: a master stopped for longer is lost, though little is sent to it all the time") {
  master_stopped_for_longer(Over::tcp, trickle);
}

TEST_CASE("tcp: kill -9 is noticed long before the grace is over") {
  for (const int killed : {0, 2}) {
    CAPTURE(killed);
    killed_is_noticed(Over::tcp, killed);
  }
}
TEST_CASE("ipc: kill -9 is noticed long before the grace is over") {
  for (const int killed : {0, 2}) {
    CAPTURE(killed);
    killed_is_noticed(Over::ipc, killed);
  }
}

TEST_CASE(
    "tcp: a worker that computes for longer than the grace while its connection is cut stays") {
  World world{Over::tcp, "4", 3s, {"--compute", "7", "--compute-rank", "1"}};
  world.rank(1).wait_for_text("computes");
  world.proxy.cut_all();
  world.check_nothing_lost();
}
