#include "report/tables.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "results/quantity.hpp"

namespace comparison {
namespace {

std::string row(const std::vector<std::string>& cells, const char* kind) {
  std::string text = "<tr>";
  for (const auto& cell : cells) text += fmt::format("<{}>{}</{}>", kind, escape(cell), kind);
  return text + "</tr>\n";
}

std::string table(const std::vector<std::string>& heading, const std::string& rows) {
  return fmt::format(
      "<div class=\"wide\"><table>\n<thead>{}</thead>\n<tbody>\n{}</tbody>\n"
      "</table></div>\n",
      row(heading, "th"), rows);
}

std::string spread(const Summary& summary, const Figure& figure) {
  return fmt::format("{} to {}", quantity_text(summary.min, figure),
                     quantity_text(summary.max, figure));
}

/// A row for rankwire, then one for each that was measured beside it.
std::string rows_of_run(const Figure& figure) {
  const auto cells = [&figure](const std::string& transport, const std::string& setting,
                               const std::string& by, const Summary& summary) {
    return std::vector<std::string>{transport,
                                    setting,
                                    by,
                                    quantity_text(summary.p50, figure),
                                    quantity_text(summary.p99, figure),
                                    spread(summary, figure),
                                    std::to_string(summary.samples)};
  };
  auto ours = cells(figure.transport, setting_text(figure), "rankwire", figure.rankwire);
  ours.insert(ours.end(), {"", "", ""});
  std::string rows = row(ours, "td");
  for (const auto& beside : figure.beside) {
    auto others = cells("", "", beside.name, beside.summary);
    const Ratio& ratio = beside.ratio;
    if (ratio.pairs > 0) {
      others.insert(others.end(),
                    {ratio_text(ratio.median),
                     fmt::format("{} to {}", ratio_text(ratio.min), ratio_text(ratio.max)),
                     std::to_string(ratio.pairs)});
    } else {
      others.insert(others.end(), {"-", "-", "0"});  // not measured in turn
    }
    rows += row(others, "td");
  }
  return rows;
}

std::string row_of_two(const Sheet::Line& line) {
  const auto median = [&line](const std::optional<Summary>& summary) {
    return summary ? quantity_text(summary->p50, line.figure) : "-";
  };
  const auto all = [&line](const std::optional<Summary>& summary) {
    return summary ? spread(*summary, line.figure) : "-";
  };
  return row({line.figure.transport, setting_text(line.figure), median(line.first),
              median(line.second), line.ratio ? ratio_text(*line.ratio) : "-", verdict(line),
              all(line.first), all(line.second)},
             "td");
}

/// gnuplot's marks as SVG paths around 0,0.
const char* mark_path(int mark) {
  switch (mark) {
    case 4:
      return "M-4,-4h8v8h-8z";
    case 6:
      return "M-4.5,0a4.5,4.5 0 1,0 9,0a4.5,4.5 0 1,0 -9,0z";
    case 8:
      return "M0,-5.5L-5,3.5L5,3.5z";
    case 10:
      return "M0,5.5L-5,-3.5L5,-3.5z";
    case 12:
      return "M0,-6L-6,0L0,6L6,0z";
    default:
      return "M0,-5L4.8,-1.5L2.9,4L-2.9,4L-4.8,-1.5z";
  }
}

std::string entry(int width, const std::string& picture, const std::string& text) {
  return fmt::format(
      "<li><svg class=\"key\" viewBox=\"0 0 {0} 14\" width=\"{0}\" "
      "aria-hidden=\"true\">{1}</svg>{2}</li>",
      width, picture, escape(text));
}

std::string line_picture(const std::string& color, int mark, bool second) {
  return fmt::format(
      "<path d=\"M1,7H35\" fill=\"none\" stroke=\"{0}\" stroke-width=\"{1}\"{2}/><path d=\"{3}\" "
      "transform=\"translate(18,7)\" fill=\"{4}\" stroke=\"{0}\" stroke-width=\"1.2\"/>",
      color, second ? 1.5 : 2, second ? " stroke-dasharray=\"6 4\"" : "", mark_path(mark),
      second ? "none" : color);
}

std::string bar_picture(const std::string& color, bool second) {
  return fmt::format(
      "<path d=\"M1,1h14v12h-14z\" fill=\"{0}\" fill-opacity=\"{1}\" stroke=\"{0}\"/>", color,
      second ? 0.25 : 1);
}

}  // namespace

std::string escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string table_of_rows(const std::vector<std::vector<std::string>>& rows) {
  std::string text;
  for (std::size_t i = 1; i < rows.size(); ++i) text += row(rows[i], "td");
  return table(rows.front(), text);
}

std::string figures_table(const Sheet& sheet, const std::string& measure) {
  std::string rows;
  for (const auto& line : sheet.of(measure)) {
    rows += sheet.two_runs ? row_of_two(line) : rows_of_run(line.figure);
  }
  if (sheet.two_runs) {
    return table({"transport", "setting", "a: " + sheet.first_name, "b: " + sheet.second_name,
                  "b/a", "b is", "all of a", "all of b"},
                 rows);
  }
  return table({"transport", "setting", "by", "median", "99 %", "all samples", "samples",
                "rankwire over it", "all pairs", "pairs"},
               rows);
}

std::string legend(const Sheet& sheet, const Plot& plot) {
  const bool bars = plot.kind == Plot::Kind::bars;
  const int width = bars ? 16 : 36;
  std::vector<std::string> transports;
  std::string entries;
  bool any_second = false;
  for (const auto& curve : plot.curves) {
    any_second = any_second || curve.second;
    if (std::find(transports.begin(), transports.end(), curve.transport) != transports.end()) {
      continue;
    }
    transports.push_back(curve.transport);
    const std::string color = color_of(curve.transport);
    entries += entry(
        width,
        bars ? bar_picture(color, false) : line_picture(color, mark_of(curve.transport), false),
        curve.transport);
  }
  if (any_second) {
    const auto picture = [&](bool second) {
      return bars ? bar_picture("currentColor", second)
                  : line_picture("currentColor", mark_of("inproc"), second);
    };
    entries += entry(width, picture(false), sheet.first_name) +
               entry(width, picture(true), sheet.second_name);
  }
  return "<ul class=\"legend\">" + entries + "</ul>\n";
}

}  // namespace comparison
