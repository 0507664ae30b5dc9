#include "fault_world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <latch>
#include <thread>

#include "../../apps/rankwire/port.hpp"
#include "../conformance/zmq_rank.hpp"
#include "../support/folder.hpp"
#include "rankwire/keys.hpp"

namespace network {
namespace {

using namespace std::chrono_literals;

/// A short grace, and a window that a large message overflows. Every other seed has less memory
/// than its windows need, so that what goes beyond the shares is asked for and granted through
/// faults.
rankwire::Settings fault_settings(std::uint64_t seed) {
  rankwire::Settings with;
  with.grace = grace;
  with.linger = 20s;  // faults come during the goodbye too
  with.window_bytes = std::uint64_t{1} << 20;
  if (seed % 2 == 1) with.memory_bytes = std::uint64_t{512} << 10;
  return with;
}

/// A key pair for each rank, and the folder of those that the master lets in.
class KeysOfAll {
 public:
  explicit KeysOfAll(int ranks) {
    std::filesystem::create_directory(folder_ / "allowed");
    for (int rank = 0; rank < ranks; ++rank) {
      keys_.push_back(rankwire::create_keys(folder_.path(), fmt::format("rank-{}", rank)));
      if (rank > 0) std::filesystem::copy(keys_.back().public_file, folder_ / "allowed");
    }
  }
  void give(int rank, rankwire::Settings& with) const {
    with.options["key"] = keys_.at(static_cast<std::size_t>(rank)).secret_file;
    if (rank == 0) {
      with.options["allow"] = folder_ / "allowed";
    } else {
      with.options["server-key"] = keys_.front().public_file;
    }
  }

 private:
  Folder folder_;
  std::vector<rankwire::KeyFiles> keys_;
};

/// A worker listens at a port of 127.0.0.1 and tells the others another address: that of a proxy.
struct WayToWorker {
  launcher::ReservedPort port{0};
  support::FaultProxy proxy{number(), "127.0.0.2", number()};

  [[nodiscard]] std::uint16_t number() const { return static_cast<std::uint16_t>(port.number()); }
  void give(rankwire::Settings& with) const {
    with.options["port-range"] = fmt::format("{0}:{0}", number());
    with.options["advertise"] = "127.0.0.2";
  }
};

/// One rank from its start to its end.
Outcome run_rank(int rank, int ranks, const rankwire::Settings& with, const std::string& endpoint,
                 const Exchange& how, std::latch* complete) {
  std::unique_ptr<rankwire::Channel> world;
  Outcome outcome;
  try {
    world = conformance::open_zmq_rank(with, endpoint, rank, ranks);
  } catch (const std::exception& error) {
    outcome.failure = fmt::format("rank {} did not open: {}", rank, error.what());
  }
  if (complete != nullptr) complete->arrive_and_wait();
  if (!world) return outcome;
  outcome = exchange(*world, how);
  try {
    // What was found damaged or missing ends the world at once, and not as a loss.
    if (outcome.complete || outcome.lost) {
      world->close(30s);
    } else {
      world->abort(1, outcome.failure);
    }
  } catch (const std::exception& error) {
    outcome.failure += fmt::format("; at its end: {}", error.what());
    outcome.complete = false;
  }
  return outcome;
}

}  // namespace

bool Run::complete() const {
  return std::ranges::all_of(ranks, [](const Outcome& rank) { return rank.complete; });
}

std::string Run::text() const {
  std::string text = fmt::format("{} faults", faults);
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    text += fmt::format("\n  rank {}: {}", rank, ranks[rank].text());
  }
  return text;
}

Run run_over_faults(int ranks, const support::FaultSchedule& schedule, const Exchange& how,
                    Begin begin, Links links) {
  return run_over_faults({ranks, schedule, {}, begin, links}, how);
}

Run run_over_faults(const Broken& broken, const Exchange& exchange) {
  const auto& [ranks, schedule, to_workers, begin, links] = broken;
  const launcher::ReservedPort port{0};
  support::FaultProxy proxy{static_cast<std::uint16_t>(port.number())};
  std::deque<WayToWorker> ways(to_workers.size());
  Exchange how = exchange;
  how.when_one_computes = [&] {
    proxy.hurry();
    for (auto& way : ways) way.proxy.hurry();
  };
  Run run;
  run.ranks.resize(static_cast<std::size_t>(ranks));
  std::optional<KeysOfAll> keys;
  if (links == Links::with_keys) keys.emplace(ranks);
  std::latch complete{ranks + 1};
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto endpoint =
        rank == 0 ? fmt::format("tcp://127.0.0.1:{}", port.number()) : proxy.endpoint();
    auto with = fault_settings(how.seed);
    if (keys) keys->give(rank, with);
    const auto worker = static_cast<std::size_t>(rank) - 1;
    if (rank > 0 && worker < ways.size()) ways[worker].give(with);
    threads.emplace_back([&, rank, with, endpoint] {
      run.ranks[static_cast<std::size_t>(rank)] = run_rank(
          rank, ranks, with, endpoint, how, begin == Begin::rendezvous ? nullptr : &complete);
    });
  }
  const auto start = [&] {
    proxy.start(schedule);
    for (std::size_t i = 0; i < ways.size(); ++i) ways[i].proxy.start(to_workers[i]);
  };
  // A start that is lost is said again by a master that is in a call, not by one that waits here.
  if (begin == Begin::rendezvous) {
    start();
  } else {
    complete.arrive_and_wait();
  }
  // A worker may have dialed before the master listened.
  const auto accepted_before = begin == Begin::rendezvous ? 0 : proxy.links_accepted();
  if (begin == Begin::world_complete) start();
  for (auto& thread : threads) thread.join();
  run.faults = proxy.faults_begun();
  run.links_redialed = proxy.links_accepted() - accepted_before;
  if (!schedule.faults.empty()) run.last_fault_began = proxy.began(schedule.faults.size() - 1);
  return run;
}

}  // namespace network
