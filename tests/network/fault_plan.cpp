#include "fault_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace network {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using support::Fault;
using support::FaultSchedule;

/// Numbers from a seed, other ones than the schedules' of the same seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_{~seed} {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  milliseconds between(milliseconds least, milliseconds most) {
    return least + milliseconds{below(static_cast<std::uint64_t>((most - least).count()))};
  }

 private:
  std::mt19937_64 engine_;
};

/// Each of these moves about as many bytes.
constexpr std::array kinds_of_sizes{Sizes::mixed, Sizes::mixed, Sizes::tiny, Sizes::around_batch,
                                    Sizes::large};
std::uint64_t messages_of(Sizes sizes) {
  switch (sizes) {
    case Sizes::mixed:
      return 12'000;
    case Sizes::tiny:
      return 100'000;
    case Sizes::around_batch:
      return 1000;
    case Sizes::large:
      return 20;
  }
  return 0;
}

std::string_view name_of(Sizes sizes) {
  constexpr std::array<std::string_view, 4> names{"mixed", "tiny", "around 32 KiB", "large"};
  return names.at(static_cast<std::size_t>(sizes));
}

FaultSchedule schedule_to_master(const Plan& plan) {
  support::FaultParameters with;
  with.outage_max = grace / 3;  // and to dial again on a busy machine
  with.cuts_in_a_row_max = 5;
  if (plan.ends_badly()) with.last_outage = 1h;
  return support::make_schedule(plan.seed, with);
}

/// These may last: the master relays. One in three is closed for long, or from the beginning on.
FaultSchedule schedule_to_worker(Dice& dice) {
  support::FaultParameters with;
  with.faults = 6;
  with.outage_max = grace / 3;
  with.cuts_in_a_row_max = 5;
  auto schedule = support::make_schedule(dice.below(UINT64_MAX), with);
  if (dice.below(3) == 0) {
    Fault closed;
    closed.kind = dice.below(2) == 0 ? Fault::Kind::cut : Fault::Kind::stall;
    closed.sound_bytes = dice.below(2) == 0 ? 0 : 500'000;
    closed.duration = dice.between(grace, 2 * grace);
    schedule.faults.insert(schedule.faults.begin(), closed);
  }
  return schedule;
}

/// Some are shorter than the silence that ends a connection, few longer than the grace.
milliseconds any_time(Dice& dice) {
  constexpr milliseconds silence = grace / 4;
  const auto kind = dice.below(12);
  if (kind < 4) return dice.between(5ms, silence);
  if (kind < 11) return dice.between(silence, 3 * silence + 300ms);
  return dice.between(grace, grace + 1s);
}

/// A worker that advertises another address than it calls from is not probed. It must not compute
/// for long while its connection is broken: nobody dials for it meanwhile, and the grace alone
/// tells.
constexpr milliseconds computes_unprobed_max = grace / 3;

std::vector<Computing> computing_of(Dice& dice, int ranks, bool probed) {
  enum class Who : std::uint8_t { nobody, master, workers, all };
  constexpr std::array whos{Who::nobody,  Who::master, Who::master, Who::workers,
                            Who::workers, Who::all,    Who::all,    Who::all};
  const auto who = whos[dice.below(whos.size())];
  std::vector<Computing> computing;
  for (int rank = 0; rank < ranks; ++rank) {
    const bool mine =
        who == Who::all || (who != Who::nobody && (who == Who::master) == (rank == 0));
    if (!mine) continue;
    const auto times = 2 + dice.below(4);
    for (std::uint64_t i = 0; i < times; ++i) {
      const auto percent = static_cast<double>(dice.below(100));
      computing.push_back(
          {rank, (static_cast<double>(i) + percent / 100) / static_cast<double>(times),
           probed || rank == 0 ? any_time(dice) : std::min(any_time(dice), computes_unprobed_max)});
    }
  }
  return computing;
}

}  // namespace

Plan make_plan(std::uint64_t seed) {
  Dice dice{seed};
  Plan plan;
  plan.seed = plan.how.seed = seed;
  plan.world.ranks = 2 + static_cast<int>(dice.below(3));
  if (dice.below(5) == 0) plan.world.links = Links::with_keys;
  plan.world.to_master = schedule_to_master(plan);
  if (dice.below(4) != 0) {
    for (int worker = 1; plan.world.ranks > 2 && worker < plan.world.ranks; ++worker) {
      plan.world.to_workers.push_back(schedule_to_worker(dice));
    }
  }
  plan.how.sizes = kinds_of_sizes[dice.below(kinds_of_sizes.size())];
  const auto ranks = static_cast<std::uint64_t>(plan.world.ranks);
  plan.how.messages =
      std::max<std::uint64_t>(messages_of(plan.how.sizes) / (ranks * (ranks - 1)), 3);
  plan.how.computing = computing_of(dice, plan.world.ranks, plan.world.to_workers.empty());
  return plan;
}

std::string Plan::text() const {
  std::string text = fmt::format("seed {}: {} ranks, {}, {} messages each way, sizes {}", seed,
                                 world.ranks, world.links == Links::open ? "no keys" : "keys",
                                 how.messages, name_of(how.sizes));
  for (const auto& each : how.computing) {
    text += fmt::format("\n  rank {} computes for {} ms behind {:.0f} %", each.rank,
                        each.time.count(), each.at * 100);
  }
  text += "\n  to the master: " + world.to_master.text();
  for (std::size_t i = 0; i < world.to_workers.size(); ++i) {
    text += fmt::format("\n  to worker {}: {}", i + 1, world.to_workers[i].text());
  }
  return text;
}

}  // namespace network
