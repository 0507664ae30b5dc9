#include "results/sheet.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "results/quantity.hpp"

namespace comparison {
namespace {

bool same_subject(const Figure& a, const Figure& b) {
  return a.measure == b.measure && a.transport == b.transport && a.bytes == b.bytes &&
         a.ranks == b.ranks && a.unit == b.unit;
}

std::optional<double> over(const Summary& a, const Summary& b) {
  if (b.p50 > 0) return a.p50 / b.p50;
  return std::nullopt;
}

/// "Open MPI 4.1.4" of the one named "mpi".
std::string text_of(const std::vector<Named>& all, const std::string& name) {
  for (const auto& named : all) {
    if (named.name == name) return named.text;
  }
  return "none";
}

void compare(std::vector<std::string>& differences, const std::string& what, const std::string& a,
             const std::string& b) {
  if (a != b) differences.push_back(fmt::format("{}: {} and {}", what, a, b));
}

void compare_all(std::vector<std::string>& differences, const std::vector<Named>& first,
                 const std::vector<Named>& second) {
  for (const auto& [name, text] : first) compare(differences, name, text, text_of(second, name));
  for (const auto& [name, text] : second) {
    if (std::none_of(first.begin(), first.end(),
                     [&name = name](const Named& named) { return named.name == name; })) {
      compare(differences, name, "none", text);
    }
  }
}

}  // namespace

std::vector<Sheet::Line> Sheet::of(const std::string& measure) const {
  std::vector<Line> found;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(found),
               [&](const Line& line) { return line.figure.measure == measure; });
  return found;
}

Sheet sheet_of(const Results& run) {
  Sheet sheet{"rankwire", "bare library", false, {}};
  for (const auto& figure : run.figures) {
    Sheet::Line line{figure, figure.rankwire, {}, {}};
    if (const Beside* raw = raw_of(figure)) {
      line.second = raw->summary;
      if (raw->ratio.pairs > 0) line.ratio = raw->ratio.median;
    }
    sheet.lines.push_back(line);
  }
  return sheet;
}

Sheet sheet_of(const Results& first, const std::string& first_name, const Results& second,
               const std::string& second_name) {
  Sheet sheet{first_name, second_name, true, {}};
  for (const auto& figure : first.figures) {
    sheet.lines.push_back({figure, figure.rankwire, {}, {}});
  }
  for (const auto& figure : second.figures) {
    const auto line = std::find_if(sheet.lines.begin(), sheet.lines.end(), [&](const auto& other) {
      return !other.second && same_subject(other.figure, figure);
    });
    if (line == sheet.lines.end()) {
      sheet.lines.push_back({figure, {}, figure.rankwire, {}});
    } else {
      line->second = figure.rankwire;
      line->ratio = over(*line->second, *line->first);
    }
  }
  return sheet;
}

std::string verdict(const Sheet::Line& line) {
  if (!line.second) return "only a";
  if (!line.first) return "only b";
  if (!line.ratio) return "-";
  if (*line.ratio >= 1 / 1.1 && *line.ratio <= 1.1) return "alike";
  return (*line.ratio < 1) == line.figure.lower_is_better ? "better" : "worse";
}

std::vector<std::string> differences(const Results& first, const Results& second) {
  std::vector<std::string> all;
  const auto &a = first.machine, &b = second.machine;
  compare(all, "rankwire", first.version, second.version);
  compare(all, "machine", a.host, b.host);
  compare(all, "cpu", a.cpu, b.cpu);
  compare(all, "cores", std::to_string(a.cores), std::to_string(b.cores));
  compare(all, "system", a.system, b.system);
  compare(all, "hosts", fmt::format("{}", fmt::join(first.hosts, " ")),
          fmt::format("{}", fmt::join(second.hosts, " ")));
  compare_all(all, first.libraries, second.libraries);
  compare_all(all, first.settings, second.settings);
  return all;
}

}  // namespace comparison
