#include "worlds/machine.hpp"

#include <algorithm>

#include "measure/facts.hpp"
#include "worlds/start_time.hpp"
#include "worlds/worlds.hpp"

namespace comparison {
namespace {

/// Adds what a world has found to `all`.
void merge(Results& all, Results&& found) {
  for (auto& figure : found.figures) all.figures.push_back(std::move(figure));
  for (auto& line : found.left_out) all.left_out.push_back(std::move(line));
  for (auto& library : found.libraries) {
    const bool known = std::any_of(all.libraries.begin(), all.libraries.end(),
                                   [&](const Named& one) { return one.name == library.name; });
    if (!known) all.libraries.push_back(std::move(library));
  }
}

/// All that may be named, in order.
std::vector<std::string> measures() {
  auto all = all_measures();
  all.insert(all.end(), check_measures().begin(), check_measures().end());
  return all;
}

/// Measure by measure, in each the transports in order.
void sort(std::vector<Figure>& figures) {
  const auto place = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) - list.begin();
  };
  const auto order = measures();
  const auto key = [&](const Figure& figure) {
    return std::pair{place(order, figure.measure), place(all_transports(), figure.transport)};
  };
  std::stable_sort(figures.begin(), figures.end(),
                   [&](const Figure& a, const Figure& b) { return key(a) < key(b); });
}

void measure_transport(Worlds& worlds, const Options& options, const std::string& transport,
                       Results& results) {
  const auto add = [&](std::optional<Results>&& found) {
    if (found) merge(results, std::move(*found));
  };
  std::vector<std::string> of_two;
  for (const auto& measure : measures()) {
    const bool elsewhere = measure == "fan-in" || measure == "start";
    if (!elsewhere && options.wants(measure)) of_two.push_back(measure);
  }
  if (!of_two.empty()) add(worlds.measure(transport, 2, of_two));
  const Plan plan = plan_of(options.length());
  if (options.wants("fan-in")) {
    add(worlds.measure(transport, plan.workers.back() + 1, {"fan-in"}));
  }
  if (options.wants("start")) measure_start_time(worlds, plan, transport, results);
}

}  // namespace

MachineRun measure_machine(const Options& options, const std::vector<std::string>& passed_on) {
  Worlds worlds{options, passed_on};
  MachineRun run;
  Results& results = run.results;
  results = facts_of_machine(options);
  for (const auto& transport : all_transports()) {
    if (!options.wants_transport(transport)) continue;
    const std::string missing = Worlds::missing(transport);
    if (missing.empty()) {
      measure_transport(worlds, options, transport, results);
    } else {
      worlds.leave_out(transport, missing);
    }
  }
  sort(results.figures);
  results.left_out.insert(results.left_out.end(), worlds.left_out().begin(),
                          worlds.left_out().end());
  run.ended_well = worlds.ended_well();
  return run;
}

}  // namespace comparison
