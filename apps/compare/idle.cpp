#include "idle.hpp"

#include <fmt/format.h>

#include "cpu.hpp"
#include "table.hpp"

namespace comparison {
namespace {

enum : int { ready_tag = 1, go_tag, nothing_tag, report_tag };

/// Returns when all ranks have come here.
void meet(rankwire::Channel& world) {
  if (world.rank() != 0) {
    rankwire::send(world, 0, ready_tag, true);
    (void)world.recv(0, go_tag);
    return;
  }
  for (int rank = 1; rank < world.size(); ++rank) (void)world.recv(rank, ready_tag);
  for (int rank = 1; rank < world.size(); ++rank) rankwire::send(world, rank, go_tag, true);
}

/// CPU time of this process during one receive of a message that never comes.
double wait_in_vain(rankwire::Channel& world, double seconds) {
  const double before = cpu_seconds();
  if (world.recv(rankwire::any_source, nothing_tag, std::chrono::duration<double>{seconds})) {
    throw rankwire::Error{"a message came that nobody sent"};
  }
  return cpu_seconds() - before;
}

/// Ranks that are threads of one process share its CPU time.
void report(rankwire::Channel& world, double seconds, double own) {
  constexpr double cores_bar = 0.05;
  const auto info = world.info();
  print_heading(fmt::format("CPU seconds of a receive that waits for {:g} s over {}", seconds,
                            info.transport));
  const std::string bar = fmt::format("< {:.3g} s", seconds * cores_bar);
  const auto row = [&](const std::string& what, double cpu) {
    print({.what = info.transport + " idle, " + what,
           .ours = fmt::format("{:.3f} s", cpu),
           .bar = bar});
  };
  const bool shared = info.transport == "inproc";
  row(shared ? fmt::format("{} ranks in one process", world.size()) : "rank 0", own);
  for (int rank = 1; rank < world.size(); ++rank) {
    const auto cpu = rankwire::recv<double>(world, rank, report_tag);
    if (!shared) row(fmt::format("rank {}", rank), cpu);
  }
}

}  // namespace

void idle(rankwire::Channel& world, const Options& options) {
  constexpr double seconds_default = 5;
  if (world.size() < 2) {
    throw rankwire::UsageError{"idle needs 2 ranks, this world has 1: say -n 2"};
  }
  const double seconds = options.seconds.value_or(seconds_default);
  meet(world);
  const double cpu = wait_in_vain(world, seconds);
  // Nobody leaves while others still wait, which that would end.
  meet(world);
  if (world.rank() == 0) {
    report(world, seconds, cpu);
  } else {
    rankwire::send(world, 0, report_tag, cpu);
  }
}

}  // namespace comparison
