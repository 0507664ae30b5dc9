#include "report/plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "results/quantity.hpp"

namespace comparison {
namespace {

using Lines = std::vector<Sheet::Line>;

/// Where a point of `line` belongs on the x axis.
using Place = double (*)(const Sheet::Line& line);

double at_size(const Sheet::Line& line) {
  return static_cast<double>(line.figure.bytes);
}

double at_workers(const Sheet::Line& line) {
  return line.figure.ranks - 1;
}

/// The curve of this transport and column, made when it is not there.
Curve& curve_of(std::vector<Curve>& curves, const std::string& transport, bool second) {
  const auto found = std::find_if(curves.begin(), curves.end(), [&](const Curve& curve) {
    return curve.transport == transport && curve.second == second;
  });
  return found != curves.end() ? *found : curves.emplace_back(Curve{transport, second, {}});
}

/// Of each transport, one for either column that has figures, in the order of x.
std::vector<Curve> curves_of(const Lines& lines, Place place) {
  std::vector<Curve> curves;
  const auto add = [&](const Sheet::Line& line, const std::optional<Summary>& summary,
                       bool second) {
    if (!summary || summary->p50 <= 0 || place(line) <= 0) return;  // the axes are logarithmic
    curve_of(curves, line.figure.transport, second).points.push_back({place(line), summary->p50});
  };
  for (const auto& line : lines) {
    add(line, line.first, false);
    add(line, line.second, true);
  }
  for (auto& curve : curves) {
    std::sort(curve.points.begin(), curve.points.end(),
              [](const auto& a, const auto& b) { return a.x < b.x; });
  }
  return curves;
}

/// The place of `name` among the categories, made when it is not there.
double category(Plot& plot, const std::string& name) {
  const auto found = std::find(plot.categories.begin(), plot.categories.end(), name);
  if (found != plot.categories.end()) {
    return static_cast<double>(found - plot.categories.begin());
  }
  plot.categories.push_back(name);
  return static_cast<double>(plot.categories.size() - 1);
}

/// A cluster of bars for each size, in it a bar for each transport.
void fill_ratio_bars(Plot& plot, Lines lines) {
  std::stable_sort(lines.begin(), lines.end(),
                   [](const auto& a, const auto& b) { return a.figure.bytes < b.figure.bytes; });
  for (const auto& line : lines) {
    if (!line.ratio || *line.ratio <= 0) continue;
    const double x = category(plot, size_text(line.figure.bytes));
    curve_of(plot.curves, line.figure.transport, false).points.push_back({x, *line.ratio});
  }
}

/// A cluster for each transport, in it a bar for each column.
void fill_transport_bars(Plot& plot, const Lines& lines) {
  const auto add = [&plot](const Sheet::Line& line, const std::optional<Summary>& summary,
                           bool second) {
    if (!summary || summary->p50 <= 0) return;
    const double x = category(plot, line.figure.transport);
    curve_of(plot.curves, line.figure.transport, second).points.push_back({x, summary->p50});
  };
  for (const auto& line : lines) {
    add(line, line.first, false);
    add(line, line.second, true);
  }
}

/// The lines of the one size (and unit) that most of them have, so that what is in one picture can
/// be compared; of equals the smallest size.
Lines of_common_size(const Lines& all) {
  const auto same = [](const Sheet::Line& a, const Sheet::Line& b) {
    return a.figure.bytes == b.figure.bytes && a.figure.unit == b.figure.unit;
  };
  Lines best;
  for (const auto& candidate : all) {
    Lines like_it;
    for (const auto& line : all) {
      if (same(line, candidate)) like_it.push_back(line);
    }
    if (best.empty() || like_it.size() > best.size() ||
        (like_it.size() == best.size() &&
         like_it.front().figure.bytes < best.front().figure.bytes)) {
      best = like_it;
    }
  }
  return best;
}

const char* better(const Lines& lines) {
  return lines.front().figure.lower_is_better ? "Lower is better." : "Higher is better.";
}

void add_latency(std::vector<Plot>& plots, const Sheet& sheet) {
  const Lines lines = sheet.of("latency");
  if (lines.empty()) return;
  plots.push_back({"latency", "Latency", "One way: half of a round trip, median. Lower is better.",
                   "size of a message", "one-way latency", "s", Plot::Kind::sizes});
  plots.back().curves = curves_of(lines, at_size);
}

void add_bandwidth(std::vector<Plot>& plots, const Sheet& sheet) {
  const Lines lines = sheet.of("bandwidth");
  if (lines.empty()) return;
  plots.push_back({"bandwidth", "Bandwidth",
                   "One way, many messages under way at a time, median. Higher is better.",
                   "size of a message", "bandwidth", "B/s", Plot::Kind::sizes});
  plots.back().curves = curves_of(lines, at_size);
}

void add_ratio(std::vector<Plot>& plots, const Sheet& sheet, const std::string& measure) {
  const Lines lines = sheet.of(measure);
  if (lines.empty()) return;
  const bool lower = lines.front().figure.lower_is_better;
  const std::string what = sheet.two_runs
                               ? fmt::format("{} over {}", sheet.second_name, sheet.first_name)
                               : "rankwire over the bare library";
  const std::string ratio_of =
      sheet.two_runs ? "ratio of the medians" : "median of the ratios, pair by pair";
  const bool has_inproc = std::any_of(lines.begin(), lines.end(), [](const Sheet::Line& line) {
    return line.figure.transport == "inproc";
  });
  plots.push_back(
      {measure == "latency" ? "ratio" : "ratio-" + measure, fmt::format("Ratio of the {}", measure),
       fmt::format("{}: {}. Below 1 is {}; the line is 1.{}", what, ratio_of,
                   lower ? "better" : "worse",
                   has_inproc && !sheet.two_runs
                       ? " inproc stands beside threads that copy, and that sleep when they wait."
                       : ""),
       "size of a message", sheet.two_runs ? "ratio of the two runs" : "rankwire / bare library",
       "", Plot::Kind::bars});
  fill_ratio_bars(plots.back(), lines);
}

void add_rate(std::vector<Plot>& plots, const Sheet& sheet) {
  const Lines lines = of_common_size(sheet.of("rate"));
  if (lines.empty()) return;
  plots.push_back({"rate", "Rate of small messages",
                   fmt::format("Messages of {} a second, one way. {}",
                               size_text(lines.front().figure.bytes), better(lines)),
                   "", "messages a second", lines.front().figure.unit, Plot::Kind::bars});
  fill_transport_bars(plots.back(), lines);
}

void add_fan_in(std::vector<Plot>& plots, const Sheet& sheet) {
  const Lines lines = of_common_size(sheet.of("fan-in"));
  if (lines.empty()) return;
  const auto& figure = lines.front().figure;
  const std::string y_label = figure.unit == "1/s"   ? "messages a second, in all"
                              : figure.unit == "B/s" ? "bandwidth, in all"
                                                     : "time a message";
  plots.push_back({"fan-in", "Fan-in",
                   fmt::format("All workers send messages of {} to one master. {}",
                               size_text(figure.bytes), better(lines)),
                   "workers", y_label, figure.unit, Plot::Kind::workers});
  plots.back().curves = curves_of(lines, at_workers);
}

struct Look {
  const char* transport;
  const char* color;
  int mark;
};

// From the palette of Okabe and Ito, without those that are too light for white paper.
constexpr std::array looks{Look{"inproc", "#808080", 6},   Look{"mpi-shm", "#0072b2", 4},
                           Look{"mpi-tcp", "#009e73", 8},  Look{"zmq-tcp", "#d55e00", 12},
                           Look{"zmq-ipc", "#c06aa0", 10}, Look{"mpi", "#0072b2", 4},
                           Look{"zmq", "#d55e00", 12}};
constexpr Look unknown_look{"", "#a07800", 14};

const Look& look_of(const std::string& transport) {
  for (const auto& look : looks) {
    if (transport == look.transport) return look;
  }
  return unknown_look;
}

}  // namespace

std::vector<Plot> plots_of(const Sheet& sheet) {
  std::vector<Plot> plots;
  add_latency(plots, sheet);
  add_ratio(plots, sheet, "latency");
  add_bandwidth(plots, sheet);
  add_ratio(plots, sheet, "bandwidth");
  add_rate(plots, sheet);
  add_fan_in(plots, sheet);
  std::erase_if(plots, [](const Plot& plot) { return plot.curves.empty(); });
  return plots;
}

std::string curve_name(const Sheet& sheet, const Curve& curve) {
  return curve.transport + ", " + (curve.second ? sheet.second_name : sheet.first_name);
}

std::string color_of(const std::string& transport) {
  return look_of(transport).color;
}

int mark_of(const std::string& transport) {
  return look_of(transport).mark;
}

}  // namespace comparison
