#pragma once

#include <string>
#include <vector>

#include "results/sheet.hpp"

namespace comparison {

/// A curve, or bars, of one transport.
struct Curve {
  struct Point {
    double x = 0, y = 0;
  };
  std::string transport;
  bool second = false;  ///< of the sheet's second column: dashed and hollow, or pale
  std::vector<Point> points;
};

/// One picture of the report. `name` is its id in the page: "latency" is <figure
/// id="plot-latency">.
struct Plot {
  std::string name, title, caption;
  std::string x_label, y_label;
  std::string unit;  ///< of y, as a Figure's; "" for a ratio
  enum class Kind {
    sizes,    ///< curves over the size of a message, both axes logarithmic
    workers,  ///< curves over the number of workers, y logarithmic
    bars      ///< clusters of bars, one cluster for each of `categories`; x counts them from 0
  } kind = Kind::sizes;
  std::vector<std::string> categories{};
  std::vector<Curve> curves{};
  std::string svg{};  ///< what gnuplot has made of it
};

/// Those for which the sheet has figures.
[[nodiscard]] std::vector<Plot> plots_of(const Sheet& sheet);

/// The name of a curve, shown when the pointer is on it: "zmq-ipc, rankwire".
[[nodiscard]] std::string curve_name(const Sheet& sheet, const Curve& curve);

/// Fills in `svg` of all. Throws rankwire::UsageError when there is no gnuplot.
void draw(std::vector<Plot>& plots, const Sheet& sheet);

/// One colour for each transport throughout the page, of a contrast of 3 to 1 and more on white and
/// on the dark background; also those who see no red or no green tell them apart.
[[nodiscard]] std::string color_of(const std::string& transport);

/// gnuplot's number of the hollow mark of a transport; the filled one is the next.
[[nodiscard]] int mark_of(const std::string& transport);

}  // namespace comparison
