#include "report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <rankwire/errors.hpp>

#include "report/answer.hpp"
#include "report/plots.hpp"
#include "report/style.hpp"
#include "report/tables.hpp"
#include "results/quantity.hpp"
#include "results/sheet.hpp"

namespace comparison {
namespace {

constexpr auto page_frame = R"html(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="rankwire compare {version}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="made">{made}</p>
</header>
<main>
<section class="answer" id="answer">
<h2>In words</h2>
{answer}</section>
<section id="plots">
<h2>In pictures</h2>
<div class="plots">
{plots}</div>
</section>
{tables}{left_out}{about}</main>
</body>
</html>
)html";

constexpr auto figure_frame = R"html(<figure id="plot-{name}" role="group" aria-label="{label}">
<figcaption><b>{title}</b>{caption}</figcaption>
{svg}
{legend}<details><summary>The numbers</summary>
{table}</details>
</figure>
)html";

std::string list(const std::vector<std::string>& items) {
  std::string text = "<ul>\n";
  for (const auto& item : items) text += "<li>" + escape(item) + "</li>\n";
  return text + "</ul>\n";
}

/// Numbers and their units stay on one line.
std::string unbroken(std::string text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == ' ' && is_digit(text[i - 1])) text.replace(i, 1, "\u00a0");
  }
  return text;
}

std::string words(const Answer& answer) {
  std::string text = "<ul>\n";
  for (const auto& [gist, figures, rows] : answer) {
    text += fmt::format("<li><b>{}</b> {}{}</li>\n", unbroken(escape(gist)),
                        unbroken(escape(figures)), rows.empty() ? "" : "\n" + table_of_rows(rows));
  }
  return text + "</ul>\n";
}

/// Two columns: what, and what it is.
std::string facts(const std::vector<Named>& all) {
  std::string rows;
  for (const auto& [name, text] : all) {
    rows +=
        fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape(name), escape(text));
  }
  return "<table class=\"facts\"><tbody>\n" + rows + "</tbody></table>\n";
}

std::string section(const std::string& id, const std::string& title, const std::string& content) {
  return fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n{}</section>\n", id, escape(title),
                     content);
}

/// The measure whose figures a plot is made of.
std::string measure_of(const Plot& plot) {
  if (plot.name == "ratio") return "latency";
  return plot.name.starts_with("ratio-") ? plot.name.substr(6) : plot.name;
}

std::string plots_part(const Sheet& sheet, const std::vector<Plot>& plots) {
  if (plots.empty()) return "<p>There are no figures that a plot could be made of.</p>\n";
  std::string text;
  for (const auto& plot : plots) {
    text += fmt::format(figure_frame, fmt::arg("name", plot.name),
                        fmt::arg("label", escape(plot.title + ". " + plot.caption)),
                        fmt::arg("title", escape(plot.title)),
                        fmt::arg("caption", escape(plot.caption)), fmt::arg("svg", plot.svg),
                        fmt::arg("legend", legend(sheet, plot)),
                        fmt::arg("table", figures_table(sheet, measure_of(plot))));
  }
  return text;
}

const char* measure_words(const std::string& measure) {
  if (measure == "record") return "Typed record: one way, half of a round trip";
  if (measure == "start") return "Start: a world of so many ranks, from its start to its end";
  if (measure == "idle") return "Waiting: CPU time of ranks that are blocked in a receive";
  if (measure == "wake") return "Waking: a round trip with a rank that was blocked in a receive";
  if (measure == "allocations") return "Allocations of memory, for each small message";
  if (measure == "copies") return "Bytes that rankwire copied, for each large message";
  if (measure == "backlog") return "A round trip's half behind 200,000 messages that wait";
  if (measure == "burst") return "Until the last byte is there, while its sender computes for 1 s";
  if (measure == "receive deadline" || measure == "send deadline")
    return "Calls with a deadline of 10 ms while 300,000 messages arrive";
  return nullptr;
}

/// A table for each measure that has no plot.
std::string tables_part(const Sheet& sheet, const std::vector<Plot>& plots) {
  std::vector<std::string> shown;
  for (const auto& plot : plots) shown.push_back(measure_of(plot));
  std::string text;
  for (const auto& line : sheet.lines) {
    const std::string& measure = line.figure.measure;
    if (std::find(shown.begin(), shown.end(), measure) != shown.end()) continue;
    shown.push_back(measure);
    const char* words = measure_words(measure);
    text += fmt::format("<h3>{}</h3>\n{}", escape(words != nullptr ? words : measure),
                        figures_table(sheet, measure));
  }
  return text.empty() ? "" : section("others", "In tables", text);
}

std::string left_out_part(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  std::vector<std::string> items;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [name, text] : runs[i].left_out) {
      items.push_back(fmt::format("{}{}: {}", runs.size() > 1 ? names[i] + ": " : "", name, text));
    }
  }
  return items.empty() ? "" : section("left-out", "What is missing, and why", list(items));
}

std::string memory_text(std::uint64_t bytes) {
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / (1U << 30));
}

std::string about_run(const Results& run) {
  const Machine& machine = run.machine;
  std::vector<Named> all{{"made", run.made},
                         {"machine", machine.host},
                         {"processor", fmt::format("{}, {} core{}", machine.cpu, machine.cores,
                                                   machine.cores == 1 ? "" : "s")},
                         {"memory", memory_text(machine.memory_bytes)},
                         {"system", machine.system},
                         {"load before", fmt::format("{:.2f}", machine.load)},
                         {"rankwire", run.version}};
  if (run.hosts.size() > 1) all.push_back({"hosts", fmt::format("{}", fmt::join(run.hosts, ", "))});
  all.insert(all.end(), run.libraries.begin(), run.libraries.end());
  all.insert(all.end(), run.settings.begin(), run.settings.end());
  return facts(all) +
         fmt::format("<p>To repeat it:</p>\n<pre><code>{}</code></pre>\n", escape(run.command));
}

constexpr auto method_words = R"html(<p>rankwire and what stands beside it were measured in turn, in
the same run and in pairs. A ratio is the median of the ratios pair by pair, so that what slows both
alike cancels out; "all pairs" is the smallest and the largest of them. Payloads were checked.</p>
)html";

std::string about_part(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs.size() > 1) text += fmt::format("<h3>{}</h3>\n", escape(names[i]));
    text += about_run(runs[i]);
  }
  return section("about", "What was measured, on what, and how to repeat it", method_words + text);
}

std::string title_of(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  if (runs.size() == 2) return fmt::format("Two runs: {} and {}", names[0], names[1]);
  const Results& run = runs.front();
  return run.hosts.size() > 1 ? fmt::format("Transports between {}", fmt::join(run.hosts, " and "))
                              : "Transports on " + run.machine.host;
}

std::string made_of(const Results& run) {
  return fmt::format("{}, {}, {} cores, rankwire {}", run.made, run.machine.cpu, run.machine.cores,
                     run.version);
}

std::string page(const std::vector<Results>& runs, const std::vector<std::string>& names) {
  const bool two = runs.size() == 2;
  const Sheet sheet = two ? sheet_of(runs[0], names[0], runs[1], names[1]) : sheet_of(runs.front());
  std::vector<Plot> plots = plots_of(sheet);
  draw(plots, sheet);
  return fmt::format(
      page_frame, fmt::arg("version", escape(runs.back().version)),
      fmt::arg("title", escape(title_of(runs, names))), fmt::arg("style", report_style),
      fmt::arg("made", escape(two ? "a: " + made_of(runs[0]) + "; b: " + made_of(runs[1])
                                  : made_of(runs.front()))),
      fmt::arg("answer",
               words(two ? answer(runs[0], names[0], runs[1], names[1]) : answer(runs.front()))),
      fmt::arg("plots", plots_part(sheet, plots)), fmt::arg("tables", tables_part(sheet, plots)),
      fmt::arg("left_out", left_out_part(runs, names)), fmt::arg("about", about_part(runs, names)));
}

}  // namespace

void write_report(const std::vector<Results>& runs, const std::vector<std::string>& names,
                  const std::string& path) {
  if (runs.empty() || runs.size() > 2 || names.size() != runs.size()) {
    throw rankwire::UsageError{
        fmt::format("a report is of one run or of two, not of {}", runs.size())};
  }
  const std::string text = page(runs, names);
  std::ofstream file{path, std::ios::binary};
  if (!file) {
    throw rankwire::UsageError{
        fmt::format("cannot write the report '{}': {}; name a file in a folder that is there and "
                    "can be written",
                    path, std::strerror(errno))};
  }
  file << text;
  file.close();
  if (!file) {
    throw rankwire::Error{
        fmt::format("cannot write the report '{}': {}", path, std::strerror(errno))};
  }
}

void write_report(const Results& run, const std::string& path) {
  write_report({run}, {""}, path);
}

}  // namespace comparison
