#include "worlds/start_time.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <rankwire/errors.hpp>

#include "results/quantity.hpp"
#include "results/statistics.hpp"

namespace comparison {
namespace {

double time_it(const Command& command) {
  const Ended ended = run_process(command);
  if (ended.well) return ended.seconds;
  throw rankwire::Error{fmt::format("'{}': {}", fmt::join(command.arguments, " "), ended.why)};
}

/// The least that an MPI program does, in a world of the same kind; nothing over other transports.
std::optional<Command> raw_command(const std::string& transport, int ranks) {
  const std::string hello = program_beside("raw_mpi_hello");
  if (!transport.starts_with("mpi") || hello.empty()) return std::nullopt;
  Command command = Worlds::command(transport, ranks, {});
  command.arguments.back() = hello;
  return command;
}

Figure time_worlds(const Plan& plan, const std::string& transport, int ranks) {
  const Command command = Worlds::command(transport, ranks, {"--only", "nothing"});
  const auto raw = raw_command(transport, ranks);
  std::vector<double> ours, theirs;
  for (int pair = 0; pair < plan.start_pairs; ++pair) {
    if (raw && pair % 2 == 1) theirs.push_back(time_it(*raw));
    ours.push_back(time_it(command));
    if (raw && pair % 2 == 0) theirs.push_back(time_it(*raw));
  }
  Figure figure;
  figure.measure = "start";
  figure.transport = transport;
  figure.unit = "s";
  figure.ranks = ranks;
  figure.rankwire = summary_of(ours);
  if (raw) {
    figure.beside.push_back(
        {"raw", "MPI_Init, MPI_Finalize", summary_of(theirs), ratio_of(ours, theirs)});
  }
  return figure;
}

}  // namespace

void measure_start_time(Worlds& worlds, const Plan& plan, const std::string& transport,
                        Results& results) {
  for (const int ranks : plan.start_ranks) {
    try {
      results.figures.push_back(time_worlds(plan, transport, ranks));
      const Figure& made = results.figures.back();
      std::fputs(fmt::format("{} start {}: {}\n", transport, setting_text(made),
                             quantity_text(made.rankwire.p50, made))
                     .c_str(),
                 stderr);
    } catch (const rankwire::Interrupted&) {
      throw;
    } catch (const rankwire::Error& error) {
      worlds.fail(transport + ": start", error.what());
      return;
    }
  }
}

}  // namespace comparison
