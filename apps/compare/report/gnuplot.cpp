#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <rankwire/errors.hpp>
#include <string>

#include "report/page.hpp"
#include "report/plots.hpp"
#include "results/quantity.hpp"
#include "system/process.hpp"

// Plots become gnuplot's language, and what it has drawn becomes part of a page.

namespace comparison {
namespace {

/// A folder of our own, gone with everything in it at the end of the scope.
class PrivateFolder {
 public:
  PrivateFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "rankwire-plots-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      throw rankwire::UsageError{fmt::format(
          "cannot make a folder like '{}' for gnuplot; point TMPDIR at one that can be written",
          name)};
    }
    path_ = name;
  }
  ~PrivateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Range {
  double min = std::numeric_limits<double>::infinity(), max = 0;
};

template <class Coordinate>
Range range_of(const Plot& plot, Coordinate coordinate) {
  Range range;
  for (const auto& curve : plot.curves) {
    for (const auto& point : curve.points) {
      range.min = std::min(range.min, coordinate(point));
      range.max = std::max(range.max, coordinate(point));
    }
  }
  return range;
}

Range x_range(const Plot& plot) {
  return range_of(plot, [](const Curve::Point& point) { return point.x; });
}
Range y_range(const Plot& plot) {
  return range_of(plot, [](const Curve::Point& point) { return point.y; });
}

/// `text` between quotes that take it literally. It may come from a file of others: a line's end
/// would end the quotes, and what follows would be gnuplot's commands.
std::string quoted(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\'');
  }
  return "'" + text + "'";
}

/// "1.00 us" is "1 us" at an axis.
std::string tick_text(double value, const std::string& unit) {
  std::string text = unit.empty() ? ratio_text(value) : quantity_text(value, unit);
  const auto end = std::min(text.find(' '), text.size());
  const auto point = text.find('.');
  if (point < end) {
    auto last = text.find_last_not_of('0', end - 1);
    if (last == point) --last;
    text.erase(last + 1, end - last - 1);
  }
  return text;
}

/// "4.7M" of "4.71 M/s": bars are narrow.
std::string bar_text(double value, const std::string& unit) {
  std::string text = tick_text(value, unit);
  std::erase(text, ' ');
  if (text.ends_with("/s")) text.resize(text.size() - 2);
  std::size_t end = 0;
  const double number = std::stod(text, &end);
  return fmt::format("{:.{}f}{}", number, number < 9.95 ? 1 : 0, text.substr(end));
}

/// A logarithmic y axis with a word at each power of ten, or at 2 and 5 as well where there are
/// few.
std::string decades(Range range, const std::string& unit) {
  const Range wide{range.min / 1.5, range.max * 1.5};
  const bool few = wide.max / wide.min < 60;
  std::string ticks;
  for (int exponent = static_cast<int>(std::floor(std::log10(wide.min)));
       exponent <= static_cast<int>(std::ceil(std::log10(wide.max))); ++exponent) {
    for (int digit = 1; digit < 10; ++digit) {
      const double value = digit * std::pow(10, exponent);
      const bool named = digit == 1 || (few && (digit == 2 || digit == 5));
      ticks += fmt::format("{}{} {:.9g} {}", ticks.empty() ? "" : ",",
                           named ? quoted(tick_text(value, unit)) : "''", value, named ? 0 : 1);
    }
  }
  return fmt::format("set logscale y\nset yrange [{:.9g}:{:.9g}]\nset ytics ({})\n", wide.min,
                     wide.max, ticks);
}

/// A logarithmic x axis with a mark at each third power of two, and a word at every other of them.
std::string sizes_axis(Range range) {
  const double first = range.min / 1.6, last = range.max * 1.6;
  std::string ticks;
  bool named = false;
  for (double size = 1; size <= last; size *= 8) {
    if (size < first) continue;
    named = !named;
    ticks += fmt::format("{}{} {:.0f} {}", ticks.empty() ? "" : ",",
                         quoted(named ? size_text(static_cast<std::uint64_t>(size)) : ""), size,
                         named ? 0 : 1);
  }
  return fmt::format("set logscale x 2\nset xrange [{:.9g}:{:.9g}]\nset xtics ({})\n", first, last,
                     ticks);
}

std::string workers_axis(Range range) {
  return fmt::format("set xrange [{:.9g}:{:.9g}]\nset xtics 1\n", range.min - 0.3, range.max + 0.3);
}

std::string clear_names(const std::string& name) {
  std::string clear = name;
  std::replace(clear.begin(), clear.end(), '-', '_');
  return clear;
}

std::string lines_script(const Plot& plot) {
  std::string script =
      decades(y_range(plot), plot.unit) +
      (plot.kind == Plot::Kind::sizes ? sizes_axis(x_range(plot)) : workers_axis(x_range(plot)));
  std::string commands;
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    script += fmt::format("$data{} << END\n", i);
    for (const auto& point : curve.points)
      script += fmt::format("{:.9g} {:.9g}\n", point.x, point.y);
    script += "END\n";
    commands += fmt::format(
        "{}$data{} using 1:2 with linespoints lc rgb '{}' lw {} dt {} pt {} ps {}",
        i == 0 ? "plot " : ", \\\n", i, color_of(curve.transport), curve.second ? "1.5" : "2",
        curve.second ? "(8,5)" : "1", mark_of(curve.transport) + (curve.second ? 0 : 1),
        curve.second ? "1.1" : "0.9");
  }
  return script + commands + "\n";
}

/// A y axis from 0 with a word at each step.
std::string steps(double top, const std::string& unit) {
  // A step of 1, 2 or 5 that gives three to seven of them.
  const double rough = top / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : 5);
  std::string ticks;
  for (int i = 0; i * step <= top; ++i) {
    ticks += fmt::format("{}{} {:.9g}", i == 0 ? "" : ",",
                         quoted(i == 0 ? "0" : tick_text(i * step, unit)), i * step);
  }
  return fmt::format("set yrange [0:{:.9g}]\nset ytics ({})\n", top, ticks);
}

/// All are named where there is room.
std::string categories_axis(const std::vector<std::string>& categories) {
  constexpr std::size_t names_max = 6;
  const std::size_t every = (categories.size() + names_max - 1) / names_max;
  std::string ticks;
  for (std::size_t i = 0; i < categories.size(); i += every) {
    ticks += fmt::format("{}{} {}", i == 0 ? "" : ",", quoted(categories[i]), i);
  }
  return fmt::format("set xrange [-0.55:{}.55]\nset xtics ({}) scale 0\n", categories.size() - 1,
                     ticks);
}

/// Numbers above bars, in as many rows as keep them apart.
class BarNumbers {
 public:
  /// `span`: of the x axis, which is as wide as the plot.
  explicit BarNumbers(double span) : per_character_{span * character_pixels / plot_pixels} {}

  /// A row is a line of text above `y`.
  void add(const std::string& text, double x, double y, const std::string& color) {
    const double half = per_character_ * (static_cast<double>(text.size()) + 0.5) / 2;
    const auto is_free = [&](const Row& row) {
      return std::none_of(row.begin(), row.end(), [&](const auto& taken) {
        return x + half > taken.first && x - half < taken.second;
      });
    };
    auto row = std::find_if(rows_.begin(), rows_.end(), is_free);
    if (row == rows_.end()) row = rows_.insert(row, Row{});
    row->emplace_back(x - half, x + half);
    commands_ +=
        fmt::format("set label {} at {:.9g},{:.9g} center offset 0,{:.2f} font ',11' tc {}\n",
                    quoted(text), x, y, 0.6 + row_height * static_cast<double>(row - rows_.begin()),
                    color.empty() ? "default" : "rgb '" + color + "'");
  }

  [[nodiscard]] std::string script() const {
    if (rows_.empty()) return {};
    return commands_ + fmt::format("set tmargin {:.2f}\n",
                                   0.8 + row_height * static_cast<double>(rows_.size()));
  }

 private:
  using Row = std::vector<std::pair<double, double>>;  // from and to, of x
  static constexpr double plot_pixels = 400, character_pixels = 7.2, row_height = 0.75;

  double per_character_;
  std::vector<Row> rows_;
  std::string commands_;
};

/// The bars of a cluster stand side by side in the order of the curves; where each category has
/// bars of one transport, as for rates, of the two columns.
std::string bars_script(const Plot& plot) {
  constexpr double tallest_ratio = 4;  // what is beyond has its number written at its top
  constexpr double cluster_width = 0.88;
  const bool is_ratio = plot.unit.empty();
  const double max = y_range(plot).max;
  const double top = is_ratio ? std::min(std::max(max, 1.2) * 1.08, tallest_ratio) : max * 1.15;
  const double width = cluster_width / static_cast<double>(is_ratio ? plot.curves.size() : 2);
  std::string script = steps(top, plot.unit) + categories_axis(plot.categories), commands;
  if (is_ratio) {
    script +=
        "set arrow from graph 0,first 1 to graph 1,first 1 nohead front lc rgb 'black' lw 1.5\n";
  }
  BarNumbers numbers{static_cast<double>(plot.categories.size()) + 0.1};
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    const Curve& curve = plot.curves[i];
    const std::size_t slot = is_ratio ? i : curve.second ? 1 : 0;
    std::string data;
    for (const auto& point : curve.points) {
      const double x = point.x + width * (static_cast<double>(slot) + 0.5) - cluster_width / 2;
      data += fmt::format("{:.9g} {:.9g} {:.9g}\n", x, point.y, width * 0.92);
      if (is_ratio && point.y <= top) continue;
      numbers.add(bar_text(point.y, plot.unit), x, std::min(point.y, top),
                  is_ratio ? color_of(curve.transport) : "");
    }
    script += fmt::format("$data{} << END\n{}END\n", i, data);
    commands += fmt::format("{}$data{} using 1:2:3 with boxes lc rgb '{}' fs {}",
                            i == 0 ? "plot " : ", \\\n", i, color_of(curve.transport),
                            curve.second ? "transparent solid 0.25 border" : "solid 1 noborder");
  }
  return script + numbers.script() + commands + "\n";
}

std::string script_of(const Plot& plot, const std::string& file) {
  return fmt::format(
      "reset\nset terminal svg size 500,370 dynamic noenhanced font 'sans-serif,15' name '{}'\n"
      "set output {}\nset encoding utf8\nunset key\nset border 3\nset tics nomirror out\n"
      "set grid ytics{} lc rgb '#c0808080' lw 0.7 dt 1\nset xlabel {}\nset ylabel {}\n{}",
      clear_names(plot.name), quoted(file), plot.kind == Plot::Kind::bars ? "" : " xtics",
      quoted(plot.x_label), quoted(plot.y_label),
      plot.kind == Plot::Kind::bars ? bars_script(plot) : lines_script(plot));
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string escaped(std::string text) {
  replace_all(text, "&", "&amp;");
  replace_all(text, "<", "&lt;");
  return text;
}

/// gnuplot gives a curve the name of its data; a pointer that rests on it shall show what it is.
void name_curve(std::string& svg, const std::string& start, const std::string& curve) {
  const auto at = svg.find(start);
  if (at == std::string::npos) return;
  const auto begin = at + start.size();
  svg.replace(begin, svg.find("</title>", begin) - begin, escaped(curve));
}

/// Ready to stand among others in a page that may be dark: no XML heading, names of its own, and
/// black is the colour of the text around it.
std::string for_page(std::string svg, const Plot& plot, const Sheet& sheet) {
  const std::string name = clear_names(plot.name);
  svg.erase(0, std::min(svg.find("<svg"), svg.size()));
  replace_all(svg, "'rgb(  0,   0,   0)'", "'currentColor'");
  replace_all(svg, "black", "currentColor");
  replace_all(svg, " color=\"currentColor\"", "");
  replace_all(svg, "gnuplot_canvas", name + "_canvas");
  replace_all(svg, "'gpDot'", "'" + name + "_gpDot'");
  replace_all(svg, "gpPt", name + "_gpPt");
  replace_all(svg, "textbox", name + "_textbox");
  replace_all(svg, "greybox", name + "_greybox");
  replace_all(svg, "<title>" + name + "</title>", "");
  for (std::size_t i = 0; i < plot.curves.size(); ++i) {
    name_curve(svg, fmt::format("<g id=\"{}_plot_{}\" ><title>", name, i + 1),
               curve_name(sheet, plot.curves[i]));
  }
  return svg;
}

std::string content_of(const std::string& file) {
  std::ifstream opened{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{opened}, {}};
}

void run_gnuplot(const std::string& argument) {
  if (time_process({"gnuplot", argument})) return;
  throw rankwire::UsageError{
      "the report's plots are made by gnuplot, which is not in PATH; install it (on Debian: "
      "apt-get install gnuplot-nox), or do without --report"};
}

}  // namespace

void check_report() {
  run_gnuplot("--version");
}

void draw(std::vector<Plot>& plots, const Sheet& sheet) {
  if (plots.empty()) return;
  const PrivateFolder folder;
  const std::string script_file = folder / "plots.gp";
  const auto file_of = [&folder](const Plot& plot) { return folder / (plot.name + ".svg"); };
  {
    std::ofstream script{script_file};
    for (const auto& plot : plots) script << script_of(plot, file_of(plot));
  }
  run_gnuplot(script_file);
  for (auto& plot : plots) {
    plot.svg = for_page(content_of(file_of(plot)), plot, sheet);
    if (plot.svg.empty()) {
      throw rankwire::Error{fmt::format("gnuplot has drawn nothing for the plot '{}'", plot.name)};
    }
  }
}

}  // namespace comparison
