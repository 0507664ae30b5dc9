#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "rankwire/backend/backoff.hpp"
#include "rankwire/backend/cores.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

/// A tree of control groups, as the kernel shows them; gone at the end.
class Groups {
 public:
  explicit Groups(const std::string& own) {
    std::filesystem::create_directories(root());
    std::ofstream{proc()} << "1:name=systemd:/other\n0::" << own << "\n";
  }
  ~Groups() { std::filesystem::remove_all(base_); }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;
  void bound(const std::string& group, const std::string& cpu_max) const {
    std::filesystem::create_directories(root() / group);
    std::ofstream{root() / group / "cpu.max"} << cpu_max << "\n";
  }
  [[nodiscard]] std::optional<double> quota() const { return core_quota(proc(), root()); }

 private:
  [[nodiscard]] std::filesystem::path root() const { return base_ / "cgroup"; }
  [[nodiscard]] std::filesystem::path proc() const { return base_ / "self"; }
  std::filesystem::path base_ =
      std::filesystem::temp_directory_path() / ("rankwire-groups-" + std::to_string(getpid()));
};

Cores first_cores(int count) {
  Cores cores;
  for (int core = 0; core < count; ++core) cores.set(static_cast<std::size_t>(core));
  return cores;
}

}  // namespace

TEST_CASE("wait policy: a rank with a core of its own spins for a moment, then yields") {
  for (const Crowd& crowd : {Crowd{2, 2, true}, Crowd{1, 64, true}, Crowd{2, 2, false}}) {
    const WaitPolicy policy = wait_policy({}, crowd);
    CHECK(policy.spin == 500ns);
    CHECK(policy.yield == 1ms);
    CHECK(policy.sleep_max == 1ms);
  }
}

TEST_CASE("wait policy: with more ranks than cores nobody spins, and who is woken sleeps soon") {
  const WaitPolicy woken = wait_policy({}, {.ranks = 3, .cores = 2, .woken = true});
  CHECK(woken.spin == 0us);
  CHECK(woken.yield == 50us);
  const WaitPolicy polls = wait_policy({}, {.ranks = 3, .cores = 2, .woken = false});
  CHECK(polls.spin == 0us);
  CHECK(polls.yield == 1ms);
}

TEST_CASE("wait policy: what is said counts, each part alone") {
  const Crowd crowded{.ranks = 100, .cores = 1, .woken = true};
  const WaitPolicy spins = wait_policy({.spin = 7us, .yield = {}, .sleep_max = 60us}, crowded);
  CHECK(spins.spin == 7us);
  CHECK(spins.yield == 50us);
  CHECK(spins.sleep_max == 60us);
  const WaitPolicy sleeps = wait_policy({.spin = 0us, .yield = 0us}, {.ranks = 1, .cores = 8});
  CHECK(sleeps.spin == 0us);
  CHECK(sleeps.yield == 0us);
}

TEST_CASE("cores: those of the affinity, fewer under a quota, never none") {
  CHECK(usable_cores(first_cores(8), {}) == 8);
  CHECK(usable_cores(first_cores(8), 2.0) == 2);
  CHECK(usable_cores(first_cores(8), 2.9) == 2);
  CHECK(usable_cores(first_cores(2), 64.0) == 2);
  CHECK(usable_cores(first_cores(8), 0.1) == 1);
  CHECK(usable_cores(Cores{}, {}) >= 1);  // not known: those of the machine
}

TEST_CASE("cores: the affinity is that of the process") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CHECK(allowed_cores().count() == static_cast<std::size_t>(CPU_COUNT(&before)));
  const auto first = allowed_cores()._Find_first();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const Cores bound = allowed_cores();
  sched_setaffinity(0, sizeof before, &before);
  CHECK(bound.count() == 1);
  CHECK(bound.test(first));
}

TEST_CASE("cores: the quota is the least of the process's control groups") {
  const Groups groups{"/a/b"};
  CHECK_FALSE(groups.quota());
  groups.bound("", "max 100000");
  groups.bound("a/b", "max 100000");
  groups.bound("other", "10000 100000");  // not ours
  CHECK_FALSE(groups.quota());
  groups.bound("a", "150000 100000");
  CHECK(groups.quota() == 1.5);
  groups.bound("a/b", "400000 100000");
  CHECK(groups.quota() == 1.5);
  groups.bound("a/b", "50000 100000");
  CHECK(groups.quota() == 0.5);
  groups.bound("a/b", "nonsense");
  CHECK(groups.quota() == 1.5);
}

TEST_CASE("backoff: awake for spin and yield, then it is time to sleep") {
  const auto never = [] { return false; };
  Backoff at_once{{.spin = 0us, .yield = 0us}};
  CHECK_FALSE(at_once.rest_awake(never));
  Backoff for_a_while{{.spin = 50us, .yield = 2ms}};
  const auto start = std::chrono::steady_clock::now();
  CHECK(for_a_while.rest_awake(never));
  while (for_a_while.rest_awake(never)) {
  }
  CHECK(std::chrono::steady_clock::now() - start >= 2ms);
}

TEST_CASE(
    "backoff: what was waited in vain counts on in the next wait, what was not waited does not") {
  const auto never = [] { return false; };
  Backoff backoff{{.spin = 0us, .yield = 50ms}};
  const auto wait_for = [&](std::chrono::milliseconds time) {
    backoff.resume();
    const Deadline end = time;
    while (!end.expired()) {
      if (!backoff.rest_awake(never)) return false;
    }
    return true;
  };
  CHECK(wait_for(1ms));
  std::this_thread::sleep_for(60ms);
  CHECK(wait_for(1ms));
  int waits = 0;
  while (wait_for(1ms)) ++waits;
  CHECK(waits <= 2000);  // on a busy machine most of a wait may pass elsewhere; else it never ends
  backoff.begin_again();
  CHECK(wait_for(1ms));
}

TEST_CASE("backoff: a rest ends when there is something to see") {
  Backoff backoff{{.spin = 1s, .yield = 0us}};
  int looks = 0;
  CHECK(backoff.rest_awake([&] { return ++looks == 3; }));
  CHECK(looks == 3);
}
