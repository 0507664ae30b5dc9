#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "../../apps/rankwire/port.hpp"
#include "../support/folder.hpp"
#include "../support/process.hpp"
#include "attacks.hpp"

// Strangers who do what they can, one kind after the other, at the listeners of a world that starts
// or runs: what it computes stays right, and it stays within bounds in time, memory, descriptors
// and lines. The build says where the programs are: ATTACKED, LAUNCHER. By the environment:
//   TEST_ATTACK=forged           only those attacks whose names have this in them

using namespace std::chrono_literals;
using network::Attackers;
using network::NamedAttack;
using support::Process;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto begins_within = 60s;
constexpr auto window = 3s;          // in which throughput is counted
constexpr auto settles_within = 1s;  // before it
constexpr auto ends_within = 12s;    // of SIGTERM: the linger, and a generous rest
constexpr auto late_max = 2000;      // ms, of a call of 20 ms
constexpr auto gone_within = 60s;    // strangers, after they have closed: none may stay
constexpr int attempts_max = 3;
constexpr std::uint64_t memory_more_max = std::uint64_t{64} << 20;
/// What comes within 100 ms, while the program computes.
constexpr std::uint64_t memory_computing_max = std::uint64_t{1} << 30;
constexpr std::size_t descriptors_limit = 4096;
// A quarter is what strangers get; for a moment, while libzmq still closes, there are more.
constexpr std::size_t descriptors_more_max = descriptors_limit / 2;
constexpr std::size_t lines_max = 400;

enum class Keys { none, listed };

std::uint64_t memory_of(const Process& process) {
  std::ifstream status{fmt::format("/proc/{}/status", process.pid())};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stoull(line.substr(6)) << 10U;
  }
  return 0;
}

std::size_t descriptors_of(const Process& process) {
  std::error_code gone;
  const std::filesystem::directory_iterator files{fmt::format("/proc/{}/fd", process.pid()), gone};
  return gone ? 0 : static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

/// Three ranks over TCP that send each other checked messages; their output goes to files.
class World {
 public:
  explicit World(Keys keys, std::string job = "attacked") : keys_{keys}, job_{std::move(job)} {
    if (keys == Keys::none) return;
    for (const std::string name : {"master", "worker"}) {
      const auto made = support::run({{LAUNCHER, "keygen", name, "--dir", folder_.path()}});
      REQUIRE_MESSAGE(made.code == 0, made.err);
    }
    std::filesystem::create_directory(folder_ / "allowed");
    std::filesystem::rename(folder_ / "worker.key", folder_ / "allowed/worker.key");
  }
  void start_master() {
    start({"-n", "3", "--listen", fmt::format("tcp://127.0.0.1:{}", port())},
          {"--key", folder_ / "master.key_secret", "--allow", folder_ / "allowed"});
  }
  void start_workers(std::uint16_t by_port = 0) {
    const unsigned at = by_port == 0 ? port() : by_port;
    const auto join = fmt::format("tcp://127.0.0.1:{}", at);
    for (const std::string rank : {"1", "2"}) {
      start({"--rank", rank, "--join", join},
            {"--key", folder_ / "worker.key_secret", "--server-key", folder_ / "master.key"});
    }
  }
  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(port_.number()); }
  /// Those of all three listeners, once the world has begun.
  std::vector<std::uint16_t> await_begin() {
    const auto end = Clock::now() + begins_within;
    while (received() == 0 && Clock::now() < end) std::this_thread::sleep_for(50ms);
    REQUIRE_MESSAGE(received() > 0, said_all());
    std::vector<std::uint16_t> ports{port()};
    std::istringstream lines{content_of(folder_ / "0.out")};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("listens ")) continue;
      ports.push_back(static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1))));
    }
    return ports;
  }

  /// What rank 0 has received so far.
  std::uint64_t received() { return last_line().first; }
  /// By how much the longest call with a deadline was late since the last time.
  int late() {
    int longest = 0;
    std::istringstream lines{content_of(folder_ / "0.out").substr(read_)};
    for (std::string line; std::getline(lines, line) && !lines.eof();) {
      read_ += line.size() + 1;
      if (line.starts_with("received "))
        longest = std::max(longest, std::stoi(line.substr(line.rfind(' '))));
    }
    return longest;
  }
  /// Of ranks 0 and 1. While rank 2 computes, for 100 ms at a time, nobody looks, and thousands of
  /// callers come, or hundreds of MiB.
  [[nodiscard]] std::uint64_t memory() const {
    return std::max(memory_of(ranks_[0]), memory_of(ranks_[1]));
  }
  [[nodiscard]] std::uint64_t memory_of_computing() const { return memory_of(ranks_[2]); }
  [[nodiscard]] std::size_t descriptors() const {
    return std::max(descriptors_of(ranks_[0]), descriptors_of(ranks_[1]));
  }
  [[nodiscard]] std::size_t descriptors_of_all() const {
    return std::max(descriptors(), descriptors_of(ranks_[2]));
  }
  /// What rank 0 receives in a second, counted for some time.
  double rate() {
    const auto before = received();
    const auto start = Clock::now();
    std::this_thread::sleep_for(window);
    const std::chrono::duration<double> time = Clock::now() - start;
    return static_cast<double>(received() - before) / time.count();
  }
  [[nodiscard]] std::string said(std::size_t rank) const {
    return content_of(folder_ / fmt::format("{}.err", rank));
  }
  [[nodiscard]] std::string said_all() const {
    std::string all;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) all += said(rank).substr(0, 4000);
    return all;
  }
  /// SIGTERM to the master ends the world; gives how long that took.
  Clock::duration end() {
    const auto start = Clock::now();
    ranks_.front().send_signal(SIGTERM);
    for (auto& rank : ranks_) CHECK(rank.wait().code != 0);
    return Clock::now() - start;
  }

 private:
  void start(std::vector<std::string> arguments, const std::vector<std::string>& keys) {
    const auto number = ranks_.size();
    const auto script = fmt::format("ulimit -n {}; exec \"$0\" \"$@\" >'{}' 2>'{}'",
                                    descriptors_limit, folder_ / fmt::format("{}.out", number),
                                    folder_ / fmt::format("{}.err", number));
    arguments.insert(arguments.begin(), {"/bin/sh", "-c", script, ATTACKED});
    arguments.insert(arguments.end(), {"--job", job_, "--join-timeout", "60s"});
    if (keys_ == Keys::listed) arguments.insert(arguments.end(), keys.begin(), keys.end());
    ranks_.emplace_back(support::Command{arguments});
  }
  /// Messages so far, and where that line is.
  std::pair<std::uint64_t, std::size_t> last_line() {
    const std::string said = content_of(folder_ / "0.out");
    const auto line_end = said.rfind('\n');
    const auto at = said.rfind("received ", line_end);
    if (line_end == std::string::npos || at == std::string::npos) return {};
    return {std::stoull(said.substr(at + 9)), at};
  }

  Folder folder_;
  Keys keys_;
  std::string job_;
  launcher::ReservedPort port_{0};
  std::deque<Process> ranks_;
  std::size_t read_ = 0;
};

/// What one rank of another world says over its connection to the master.
std::string record_a_rank() {
  World world{Keys::none, "yesterday"};
  world.start_master();
  network::Recorder recorder{world.port()};
  // The second worker finds nobody at the recorder any more: the first is enough.
  world.start_workers(recorder.port());
  auto recorded = recorder.recorded();
  (void)world.end();
  REQUIRE_MESSAGE(recorded.size() > 200, world.said_all());
  return recorded;
}

std::vector<NamedAttack> wanted_attacks() {
  static const std::string recorded = record_a_rank();
  const char* const part = std::getenv("TEST_ATTACK");
  auto all = network::attacks(recorded);
  std::erase_if(all, [&](const NamedAttack& each) {
    return part != nullptr && each.name.find(part) == std::string::npos;
  });
  REQUIRE(!all.empty());
  return all;
}

void check_lines(const World& world) {
  for (std::size_t rank = 0; rank < 3; ++rank) {
    const std::string said = world.said(rank);
    const auto raw = std::count_if(said.begin(), said.end(), [](char byte) {
      return byte != '\n' && (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f);
    });
    CHECK_MESSAGE(raw == 0, said.substr(0, 4000));
    CHECK_MESSAGE(std::count(said.begin(), said.end(), '\n') < static_cast<long>(lines_max),
                  said.substr(0, 4000));
  }
}

struct Attacked {
  double before = 0, during = 0, after = 0;
  std::uint64_t memory_more = 0, memory_computing = 0;
  std::size_t descriptors_more = 0;
  int late = 0;

  [[nodiscard]] double share() const { return during / (before / 2 + after / 2); }
  [[nodiscard]] bool is_well() const {
    return share() >= 0.5 && memory_more <= memory_more_max && late <= late_max;
  }
  [[nodiscard]] std::string text() const {
    return fmt::format(
        "{:.0f}, {:.0f}, {:.0f} messages/s ({:.2f}), {} MiB and {} descriptors more, {} MiB in all "
        "at the rank that computes, at most {} ms late",
        before, during, after, share(), memory_more >> 20U, descriptors_more,
        memory_computing >> 20U, late);
  }
};

/// What the ranks have more than before, at most, until the end.
class Watch {
 public:
  Watch(World& world, Attacked& into)
      : memory_{world.memory()}, descriptors_{world.descriptors()}, thread_{[this, &world, &into] {
          while (!over_) {
            look(world, into);
            std::this_thread::sleep_for(50ms);
          }
        }} {}
  ~Watch() {
    over_ = true;
    thread_.join();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void look(const World& world, Attacked& into) const {
    into.memory_computing = std::max(into.memory_computing, world.memory_of_computing());
    into.memory_more = std::max(into.memory_more, std::max(world.memory(), memory_) - memory_);
    into.descriptors_more =
        std::max(into.descriptors_more, std::max(world.descriptors(), descriptors_) - descriptors_);
  }
  std::uint64_t memory_;
  std::size_t descriptors_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

/// Throughput is compared while the attackers take what the ranks leave of the cores; the rest,
/// while they take as much as these.
Attacked attack(World& world, const NamedAttack& with, const std::vector<std::uint16_t>& ports) {
  Attacked found;
  found.before = world.rate();
  (void)world.late();
  {
    const Watch watch{world, found};
    {
      const Attackers attackers{with.attack, ports, Attackers::Share::rest};
      std::this_thread::sleep_for(settles_within);
      found.during = world.rate();
    }
    std::this_thread::sleep_for(settles_within);
    found.after = world.rate();
    {
      const Attackers attackers{with.attack, ports, Attackers::Share::equal};
      std::this_thread::sleep_for(window + settles_within);
    }
    std::this_thread::sleep_for(settles_within);
  }
  found.late = world.late();
  return found;
}

void attack_running(Keys keys) {
  const auto attacks = wanted_attacks();
  World world{keys};
  world.start_master();
  world.start_workers();
  const auto ports = world.await_begin();
  const auto descriptors = world.descriptors_of_all();
  for (const auto& each : attacks) {
    Attacked found;
    for (int attempt = 0; attempt < attempts_max && !found.is_well(); ++attempt) {
      found = attack(world, each, ports);
      MESSAGE(each.name << ": " << found.text());
    }
    INFO(each.name, ": ", found.text());
    CHECK(found.share() >= 0.5);
    CHECK(found.memory_more <= memory_more_max);
    CHECK(found.memory_computing <= memory_computing_max);
    CHECK(found.descriptors_more <= descriptors_more_max);
    CHECK(found.late <= late_max);
  }
  const auto gone = Clock::now() + gone_within;
  while (world.descriptors_of_all() > descriptors + 8 && Clock::now() < gone) {
    std::this_thread::sleep_for(200ms);
  }
  CHECK(world.descriptors_of_all() <= descriptors + 8);
  {
    const Attackers attackers{attacks.front().attack, ports, Attackers::Share::equal};
    std::this_thread::sleep_for(settles_within);
    CHECK(world.end() <= ends_within);
  }
  check_lines(world);
}

void attack_start(Keys keys) {
  for (const auto& each : wanted_attacks()) {
    INFO(each.name);
    World world{keys};
    world.start_master();
    const Attackers attackers{each.attack, {world.port()}, Attackers::Share::equal};
    std::this_thread::sleep_for(settles_within);
    world.start_workers();
    const auto start = Clock::now();
    (void)world.await_begin();
    const std::chrono::duration<double> began = Clock::now() - start;
    CHECK(world.memory() <= memory_more_max);
    const std::chrono::duration<double> ended = world.end();
    MESSAGE(each.name << ": began after " << began.count() << " s, ended " << ended.count()
                      << " s after SIGTERM");
    CHECK(ended <= ends_within);
    check_lines(world);
  }
}

}  // namespace

TEST_CASE("hostile: a world that runs, without keys") {
  attack_running(Keys::none);
}

TEST_CASE("hostile: a world that runs, with keys") {
  attack_running(Keys::listed);
}

TEST_CASE("hostile: a world that starts, without keys") {
  attack_start(Keys::none);
}

TEST_CASE("hostile: a world that starts, with keys") {
  attack_start(Keys::listed);
}
