#include "results/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "results/quantity.hpp"

namespace comparison {
namespace {

constexpr std::size_t width = 100;

/// `text` in lines that fit, the later ones indented.
std::string wrapped(const std::string& text) {
  std::string lines;
  std::string_view rest = text;
  std::size_t indent = 0;
  while (rest.size() > width - indent) {
    std::size_t cut = rest.rfind(' ', width - indent);
    if (cut == std::string_view::npos || cut == 0) cut = width - indent;
    lines += fmt::format("{:{}}{}\n", "", indent, rest.substr(0, cut));
    rest.remove_prefix(std::min(rest.find_first_not_of(' ', cut), rest.size()));
    indent = 4;
  }
  return lines + fmt::format("{:{}}{}\n", "", indent, rest);
}

/// At most `columns` of `text`.
std::string_view cut(std::string_view text, std::size_t columns) {
  return text.substr(0, columns);
}

const char* heading(std::string_view measure) {
  if (measure == "latency") return "Latency: half a round trip";
  if (measure == "bandwidth") return "Bandwidth: large messages one way, a window at a time";
  if (measure == "rate") return "Rate: small messages one way";
  if (measure == "record") return "Record: half a round trip of a typed record";
  if (measure == "fan-in") return "Fan-in: small messages of all workers, as they come at rank 0";
  if (measure == "start") return "Start: a world that does nothing, from start to end";
  if (measure == "idle")
    return "Idle: share of a core that a rank takes while it is blocked in a receive";
  if (measure == "wake") return "Wake: a round trip with a rank that was blocked for 40 ms";
  if (measure == "allocations") return "Allocations: of memory, for each small message";
  if (measure == "copies") return "Copies: bytes that rankwire copied, for each large message";
  if (measure == "backlog") return "Backlog: half a round trip behind 200,000 messages that wait";
  if (measure == "burst")
    return "Burst: until the last of 1 to 50 MB is there, while its sender computes for 1 s";
  if (measure == "receive deadline")
    return "Receive deadline: receives of 10 ms while 300,000 messages arrive";
  if (measure == "send deadline")
    return "Send deadline: sends of 10 ms without room while 300,000 messages arrive";
  return "";
}

const Beside* beside_of(const Figure& figure, std::string_view kind) {
  const auto found = std::find_if(figure.beside.begin(), figure.beside.end(),
                                  [&](const Beside& beside) { return beside.kind == kind; });
  return found == figure.beside.end() ? nullptr : &*found;
}

/// As ratio_text, but never longer than its column.
std::string short_ratio(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 10 ? 2 : ratio < 100 ? 1 : 0);
}

std::string line(std::string_view transport, std::string_view setting, std::string_view ours,
                 std::string_view worst, std::string_view raw, std::string_view ratio,
                 std::string_view spread, std::string_view also) {
  auto text = fmt::format("{:<9}{:<19}{:>13}{:>11}{:>13}{:>7}{:>14}  {}", cut(transport, 8),
                          cut(setting, 18), cut(ours, 12), cut(worst, 10), cut(raw, 12),
                          cut(ratio, 6), cut(spread, 13), cut(also, 12));
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

/// The ratio to what stands beside the transport's own library.
std::string also(const Figure& figure) {
  for (const char* const kind : {"boost", "socket", "waits"}) {
    const Beside* const beside = beside_of(figure, kind);
    if (beside != nullptr) return fmt::format("{} {}", kind, short_ratio(beside->ratio.median));
  }
  return {};
}

/// A cell; of the CPU time of a wait the heading says what it is a share of.
std::string cell(double value, const Figure& figure) {
  const std::string text = quantity_text(value, figure);
  return figure.measure == "idle" ? text.substr(0, text.find('%') + 1) : text;
}

std::string line_of(const Figure& figure) {
  const Beside* const raw = raw_of(figure);
  const bool has_ratio = raw != nullptr && raw->ratio.pairs > 0;
  // The CPU time of a wait is measured once.
  const bool has_worst = figure.rankwire.samples > 1 && figure.unit == "s";
  return line(
      figure.transport, setting_text(figure), cell(figure.rankwire.p50, figure),
      has_worst ? cell(figure.rankwire.p99, figure) : "",
      raw == nullptr ? "" : cell(raw->summary.p50, figure),
      has_ratio ? short_ratio(raw->ratio.median) : "",
      has_ratio ? fmt::format("{} to {}", short_ratio(raw->ratio.min), short_ratio(raw->ratio.max))
                : "",
      also(figure));
}

std::string machine_of(const Results& results) {
  const Machine& machine = results.machine;
  std::string text = wrapped(fmt::format("{}: {} cores, {}, {:.0f} GiB, load {:.1f}; {}",
                                         fmt::join(results.hosts, ", "), machine.cores, machine.cpu,
                                         static_cast<double>(machine.memory_bytes) / (1 << 30),
                                         machine.load, machine.system));
  std::string versions = "rankwire " + results.version;
  for (const Named& library : results.libraries) versions += ", " + library.text;
  for (const Named& setting : results.settings)
    versions += fmt::format("; {} {}", setting.name, setting.text);
  return text + wrapped(versions) + wrapped(results.made + "  " + results.command);
}

/// What stood beside rankwire, each library once.
std::string legend(const Results& results) {
  std::vector<std::string> known;
  std::string text;
  for (const Figure& figure : results.figures) {
    for (const Beside& beside : figure.beside) {
      const std::string entry =
          fmt::format("{} of {}: {}", beside.kind, figure.transport, beside.name);
      if (std::find(known.begin(), known.end(), entry) != known.end()) continue;
      known.push_back(entry);
      text += wrapped(entry);
    }
  }
  return text;
}

}  // namespace

std::string table_of(const Results& results) {
  std::string text = machine_of(results);
  std::string_view measure;
  for (const Figure& figure : results.figures) {
    if (figure.measure != measure) {
      measure = figure.measure;
      text += fmt::format("\n{}\n", heading(measure));
      text += line("", "", "rankwire", figure.unit == "s" ? "p99" : "", "raw", "ratio",
                   "of all pairs", "beside");
    }
    text += line_of(figure);
  }
  text += "\n";
  if (const std::string known = legend(results); !known.empty()) {
    text +=
        "ratio: the median of the ratios pair by pair, not the quotient of the medians beside it\n";
    text += known;
  }
  for (const Named& left_out : results.left_out) {
    text += wrapped(fmt::format("left out: {}: {}", left_out.name, left_out.text));
  }
  return text;
}

}  // namespace comparison
