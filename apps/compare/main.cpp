#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <rankwire/printable.hpp>
#include <rankwire/rankwire.hpp>
#include <rankwire/text_file.hpp>

#include "measure/crowd.hpp"
#include "measure/facts.hpp"
#include "measure/world.hpp"
#include "report/page.hpp"
#include "request/options.hpp"
#include "results/inproc_bandwidth.hpp"
#include "results/json.hpp"
#include "results/side_by_side.hpp"
#include "results/table.hpp"
#include "worlds/check.hpp"
#include "worlds/machine.hpp"
#include "worlds/simulated_crowd.hpp"

// Which transport to use, and what rankwire costs over the raw library: docs/compare.md.
//
// Called on its own, compare starts worlds over every transport of this machine, one after the
// other, and each is this program again. Called inside of a world, it measures that one. Results on
// stdout, progress on stderr.

namespace comparison {
namespace {

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file{path, std::ios::binary};
  file << text;
  file.close();
  if (!file) {
    throw rankwire::Error{fmt::format("cannot write the file '{}': {}",
                                      rankwire::printable_path(path), std::strerror(errno))};
  }
}

std::string read_file(const std::string& path) {
  try {
    return rankwire::read_text_file(path, results_bytes_max);
  } catch (const rankwire::UsageError& error) {
    throw rankwire::UsageError{
        fmt::format("--from: {}; name one that compare --json has written", error.what())};
  }
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
}

void present(const Results& results, const Options& options) {
  print(table_of(results));
  if (!options.json.empty()) write_file(options.json, to_json(results));
  if (!options.report.empty()) write_report(results, options.report);
}

int show_earlier(const Options& options) {
  std::vector<Results> runs;
  for (const auto& name : options.from) {
    runs.push_back(from_json(read_file(name), name));
    leave_out_inproc_bandwidth(runs.back());
  }
  print(runs.size() == 1 ? table_of(runs.front()) : side_by_side(runs, options.from));
  if (!options.report.empty()) write_report(runs, options.from, options.report);
  return 0;
}

int start_worlds(const Options& options, const std::vector<std::string>& passed_on) {
  if (options.check) return check_promises(options, passed_on);
  const auto run = measure_machine(options, passed_on);
  present(run.results, options);
  return run.ended_well ? 0 : 1;
}

int measure_this_world(rankwire::Channel& world, const Options& options) {
  if (options.wants("nothing")) return 0;
  if (options.wants("crowd")) {
    crowd(world);
    return 0;
  }
  const Results results = measure_world(world, options);
  if (world.rank() != 0) return 0;
  if (options.hand_to.empty()) {
    present(results, options);
  } else {
    write_file(options.hand_to, to_json(results));
  }
  return 0;
}

/// All that can be said against what was asked for before it begins.
void check(const Options& options) {
  check_options(options);
  if (!options.report.empty()) check_report();
}

/// What is no world's business, and fails as any program does: not with "this ends the world".
int on_its_own(const std::function<int()>& work) {
  try {
    return work();
  } catch (const rankwire::Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    fmt::print(stderr, "rankwire: {}\n", error.what());
    return rankwire::exit_code_of(error);
  }
}

}  // namespace
}  // namespace comparison

int main(int argc, char** argv) {
  using namespace comparison;
  Options options;
  const rankwire::Program program{
      .description =
          "Measures every transport of this machine, beside the raw libraries; or, "
          "inside of a\nworld, the one that it is over.",
      .options = [&options](CLI::App& app) { add_options(app, options); }};
  // Ignored by who started this program, the ends of the processes that it starts would be unknown.
  std::signal(SIGCHLD, SIG_DFL);
  remember_command(argc, argv);
  const bool named = names_a_world(argc, argv);
  return rankwire::run(
      argc, argv,
      [&](rankwire::Channel& world) {
        // On its own it is a world of threads, of which one works.
        const bool alone = world.info().transport == "inproc" && !named && options.hand_to.empty();
        const bool reads = !options.from.empty();
        if (!alone && !reads) {
          if (world.rank() == 0) check(options);
          return measure_this_world(world, options);
        }
        if (world.rank() != 0) return 0;
        return on_its_own([&] {
          check(options);
          if (options.wants("crowd")) {
            simulate_crowd(options.quick ? 1'000 : 10'000);
            return 0;
          }
          return reads ? show_earlier(options) : start_worlds(options, other_arguments(argc, argv));
        });
      },
      program);
}
