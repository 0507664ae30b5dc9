#include "report/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "results/certainty.hpp"
#include "results/quantity.hpp"
#include "results/sheet.hpp"

namespace comparison {
namespace {

using Figures = std::vector<const Figure*>;

/// Closer than this, the figures of two transports do not say which is the better.
constexpr double alike_factor = 1.1;

Figures of_measure(const Results& run, const std::string& measure) {
  Figures found;
  for (const auto& figure : run.figures) {
    if (figure.measure == measure && figure.rankwire.p50 > 0) found.push_back(&figure);
  }
  return found;
}

bool is_inproc(const Figure* figure) {
  return figure->transport == "inproc";
}

bool smaller(const Figure* a, const Figure* b) {
  return a->bytes < b->bytes;
}

bool is_better(const Figure* a, const Figure* b) {
  return a->lower_is_better ? a->rankwire.p50 < b->rankwire.p50 : a->rankwire.p50 > b->rankwire.p50;
}

/// Of one size, the one that most transports have; of equals, the smallest or the largest. The best
/// first.
Figures ranking(Figures figures, bool largest) {
  std::vector<std::uint64_t> sizes;
  for (const auto* figure : figures) sizes.push_back(figure->bytes);
  const auto count = [&sizes](std::uint64_t size) {
    return std::count(sizes.begin(), sizes.end(), size);
  };
  const auto chosen =
      std::max_element(sizes.begin(), sizes.end(), [&](std::uint64_t a, std::uint64_t b) {
        return count(a) != count(b) ? count(a) < count(b) : (a < b) == largest && a != b;
      });
  if (chosen != sizes.end()) {
    std::erase_if(figures, [size = *chosen](const Figure* f) { return f->bytes != size; });
  }
  std::stable_sort(figures.begin(), figures.end(), is_better);
  return figures;
}

std::string value(const Figure* figure) {
  return quantity_text(figure->rankwire.p50, *figure);
}

/// "a, b or c"
std::string either(const std::vector<std::string>& parts) {
  const std::vector<std::string> all_but_last(parts.begin(), parts.end() - 1);
  return fmt::format("{} or {}", fmt::join(all_but_last, ", "), parts.back());
}

/// "use X" of those between processes, or that some of them are alike.
std::string choice(const Figures& ranked) {
  const double first = ranked.front()->rankwire.p50;
  std::vector<std::string> best;
  for (const auto* figure : ranked) {
    const double factor = figure->rankwire.p50 / first;
    if (factor > alike_factor || factor < 1 / alike_factor) break;
    best.push_back(transport_words(figure->transport));
  }
  if (ranked.size() == 1) return best.front() + ", the only transport of this run";
  return best.size() == 1 ? "use " + best.front()
                          : fmt::format("use {}; they differ by less than 10 %", either(best));
}

void within_a_process(Answer& answer, const Results& run) {
  Figures latencies = of_measure(run, "latency");
  std::erase_if(latencies, [](const Figure* figure) { return !is_inproc(figure); });
  if (latencies.empty()) return;
  const auto [smallest, largest] = std::minmax_element(latencies.begin(), latencies.end(), smaller);
  std::string text = fmt::format("A message of {} takes {} one way", size_text((*smallest)->bytes),
                                 value(*smallest));
  if (*largest != *smallest) {
    text += fmt::format(", one of {} {}", size_text((*largest)->bytes), value(*largest));
  }
  answer.push_back(
      {"Within one process: inproc.", text + ". Its memory is handed over, and no byte copied."});
}

/// Of `figures`, those whose pairs contradict each other.
Figures uncertain_of(Figures figures) {
  std::erase_if(figures, [](const Figure* figure) { return !is_uncertain(*figure); });
  return figures;
}

/// What stands in the place of a result that would rest on `uncertain` figures.
Statement too_uncertain(const std::string& subject, const Figures& uncertain) {
  std::vector<std::string> ranges;
  for (const auto* figure : uncertain) ranges.push_back(pairs_text(*figure));
  return {subject + " this measurement is too uncertain to say.",
          fmt::format("Pairs of rankwire and the bare library contradict each other: {}.",
                      fmt::join(ranges, "; "))};
}

/// Which transport between processes, by the figures of one measure.
void between_processes(Answer& answer, const Results& run, const std::string& measure) {
  const bool large = measure == "bandwidth";
  Figures figures = of_measure(run, measure);
  std::erase_if(figures, is_inproc);
  const Figures ranked = ranking(figures, large);
  if (ranked.empty()) return;
  const std::string subject =
      fmt::format("Between processes, {} messages:", large ? "large" : "small");
  if (const Figures uncertain = uncertain_of(ranked); !uncertain.empty()) {
    answer.push_back(too_uncertain(subject, uncertain));
    return;
  }
  std::string text =
      fmt::format("{} {} at {}", value(ranked.front()), large ? "of bandwidth" : "one way",
                  size_text(ranked.front()->bytes));
  if (ranked.size() > 1) {
    text += fmt::format("; the next best, {}, {}", ranked[1]->transport, value(ranked[1]));
  }
  answer.push_back({fmt::format("{} {}.", subject, choice(ranked)), text + "."});
}

/// What a user of ZeroMQ pays beside the best that MPI can do here, and what for.
void zmq_beside_mpi(Answer& answer, const Results& run) {
  const Figures ranked = ranking(of_measure(run, "latency"), false);
  const Figure *zmq = nullptr, *mpi = nullptr;
  for (const auto* figure : ranked) {
    if (zmq == nullptr && figure->transport.starts_with("zmq")) zmq = figure;
    const bool has_raw = raw_of(*figure) != nullptr && raw_of(*figure)->summary.p50 > 0;
    if (mpi == nullptr && figure->transport.starts_with("mpi") && has_raw) mpi = figure;
  }
  if (zmq == nullptr || mpi == nullptr) return;
  if (const Figures uncertain = uncertain_of({zmq, mpi}); !uncertain.empty()) {
    answer.push_back(too_uncertain("ZeroMQ instead of MPI:", uncertain));
    return;
  }
  const double more = zmq->rankwire.p50 - raw_of(*mpi)->summary.p50;
  answer.push_back(
      {fmt::format("ZeroMQ instead of MPI: {} {} a message.",
                   quantity_text(std::abs(more), zmq->unit), more < 0 ? "less" : "more"),
       fmt::format(
           "That is {} beside the bare {} of {}, at {}. For it, processes can be started by "
           "hand, on any hosts, and the world goes on when a worker dies.",
           zmq->transport, raw_of(*mpi)->name, mpi->transport, size_text(zmq->bytes))});
}

/// A column of the table of all transports: of one measure, at the setting that most have.
struct Column {
  std::string heading;
  Figures figures;
};

/// Start-up, at the number of ranks that most transports have; the largest of equals.
Column start_column(const Results& run) {
  Figures figures = of_measure(run, "start");
  const auto count = [&figures](const Figure* figure) {
    return std::count_if(figures.begin(), figures.end(),
                         [=](const Figure* other) { return other->ranks == figure->ranks; });
  };
  const auto chosen = std::max_element(figures.begin(), figures.end(), [&](auto* a, auto* b) {
    return std::pair{count(a), a->ranks} < std::pair{count(b), b->ranks};
  });
  if (chosen == figures.end()) return {};
  const int ranks = (*chosen)->ranks;
  std::erase_if(figures, [=](const Figure* figure) { return figure->ranks != ranks; });
  return {fmt::format("{} ranks, start to end", ranks), figures};
}

std::vector<Column> columns(const Results& run) {
  const auto sized = [&run](const char* measure, bool largest, const char* what) {
    const Figures figures = ranking(of_measure(run, measure), largest);
    return figures.empty()
               ? Column{}
               : Column{fmt::format("{}, {}", what, size_text(figures.front()->bytes)), figures};
  };
  std::vector<Column> all{sized("latency", false, "one way"), sized("bandwidth", true, "bandwidth"),
                          sized("rate", false, "in a stream"), start_column(run)};
  std::erase_if(all, [](const Column& column) { return column.figures.empty(); });
  return all;
}

/// All of them, in the order in which the run has them, where there is something to compare.
void overview(Answer& answer, const Results& run) {
  const std::vector<Column> all = columns(run);
  std::vector<std::string> transports;
  for (const auto& figure : run.figures) {
    if (std::find(transports.begin(), transports.end(), figure.transport) == transports.end()) {
      transports.push_back(figure.transport);
    }
  }
  if (transports.size() < 2 || all.empty()) return;
  Statement statement{"The transports side by side:", "medians of rankwire.", {{"transport"}}};
  for (const auto& column : all) statement.table.front().push_back(column.heading);
  for (const auto& transport : transports) {
    std::vector<std::string> row{transport};
    for (const auto& column : all) {
      const auto found =
          std::find_if(column.figures.begin(), column.figures.end(),
                       [&](const Figure* figure) { return figure->transport == transport; });
      row.push_back(found == column.figures.end() ? "-" : value(*found));
    }
    statement.table.push_back(std::move(row));
  }
  answer.push_back(std::move(statement));
}

/// How many times the bare library's time rankwire takes, whatever the figure counts.
double cost_of(const Figure* figure) {
  const double ratio = raw_of(*figure)->ratio.median;
  return figure->lower_is_better ? ratio : 1 / ratio;
}

/// Of one measure, between processes, those that were measured in pairs; the cheapest first.
Figures by_cost(const Results& run, const std::string& measure) {
  Figures figures = of_measure(run, measure);
  std::erase_if(figures, [](const Figure* figure) {
    const Beside* const raw = raw_of(*figure);
    return is_inproc(figure) || raw == nullptr || raw->ratio.pairs == 0 || raw->ratio.median <= 0;
  });
  std::stable_sort(figures.begin(), figures.end(),
                   [](auto* a, auto* b) { return cost_of(a) < cost_of(b); });
  return figures;
}

std::string cost_text(const Figure* figure) {
  const std::string setting = setting_text(*figure);
  return fmt::format("{}x, {}{}{}", ratio_text(cost_of(figure)), figure->transport,
                     setting.empty() ? "" : " at ", setting);
}

/// What the latencies say in a word, of which those that contradict themselves are left out.
std::string cost_gist(const Figures& latencies, bool left_out) {
  const std::string subject = "What rankwire costs between processes";
  if (latencies.empty()) {
    return subject + (left_out ? ", in latency: this measurement is too uncertain to say." : ".");
  }
  const Figure* const most = latencies.back();
  const char* const where = left_out ? ", of what is certain" : "";
  if (cost_of(most) <= 1) return fmt::format("{}, in latency: nothing{}.", subject, where);
  return fmt::format("{}, in latency: at most {}x, by {} at {}{}.", subject,
                     ratio_text(cost_of(most)), most->transport, size_text(most->bytes), where);
}

/// Time over the bare library's, between processes: latency in words, each measure in the table.
void cost(Answer& answer, const Results& run) {
  constexpr std::pair<const char*, const char*> measures[] = {
      {"latency", "latency: half a round trip"}, {"bandwidth", "large messages in a stream"},
      {"rate", "small messages in a stream"},    {"fan-in", "small messages of all workers"},
      {"record", "latency of a typed record"},   {"wake", "waking a rank that is blocked"},
      {"start", "a world, from start to end"}};
  Statement statement{"", "", {{"time of", "least", "most"}}};
  Figures left_out, latencies;
  for (const auto& [measure, words] : measures) {
    Figures figures = by_cost(run, measure);
    const Figures uncertain = uncertain_of(figures);
    left_out.insert(left_out.end(), uncertain.begin(), uncertain.end());
    std::erase_if(figures, [](const Figure* figure) { return is_uncertain(*figure); });
    if (measure == std::string{"latency"}) {
      latencies = figures;
      statement.gist = cost_gist(latencies, !uncertain.empty());
    }
    if (figures.empty()) continue;
    statement.table.push_back({words, cost_text(figures.front()), cost_text(figures.back())});
  }
  if (!left_out.empty()) {
    statement.text = fmt::format(
        "Left out: {} whose pairs contradict each other ({}{}). ",
        left_out.size() == 1 ? "a figure" : fmt::format("{} figures", left_out.size()),
        left_out.size() == 1 ? "" : "the widest: ", pairs_text(*least_certain(left_out)));
  }
  if (statement.table.size() > 1) {
    statement.text += "Times over the bare library's, below 1 rankwire is the faster:";
  } else if (left_out.empty()) {
    return;
  } else {
    statement.table.clear();
  }
  answer.push_back(std::move(statement));
}

/// No cost of a library: the two do different things.
void inproc_beside_threads(Answer& answer, const Results& run) {
  Figures latencies = of_measure(run, "latency");
  std::erase_if(latencies, [](const Figure* figure) {
    return !is_inproc(figure) || raw_of(*figure) == nullptr || raw_of(*figure)->ratio.pairs == 0;
  });
  if (latencies.empty()) return;
  const auto [smallest, largest] = std::minmax_element(latencies.begin(), latencies.end(), smaller);
  const auto ratio = [](const Figure* figure) {
    const Ratio& pairs = raw_of(*figure)->ratio;
    return fmt::format(
        "{}x at {}",
        is_uncertain(*figure)
            ? fmt::format("anything from {}x to {}", ratio_text(pairs.min), ratio_text(pairs.max))
            : ratio_text(pairs.median),
        size_text(figure->bytes));
  };
  std::string text = ratio(*smallest);
  if (*largest != *smallest) text += ", " + ratio(*largest);
  answer.push_back(
      {"inproc, beside two threads with a mutex and a condition variable:",
       text +
           " of their latency. They copy the bytes, and sleep as soon as they wait; a rank hands "
           "memory over, and spins before it sleeps. That is what the two ways differ by, and "
           "not what a library costs."});
}

void waiting(Answer& answer, const Results& run) {
  const Figure* most = nullptr;
  for (const auto& figure : run.figures) {
    if (figure.measure != "idle") continue;
    if (most == nullptr || figure.rankwire.p50 > most->rankwire.p50) most = &figure;
  }
  if (most == nullptr) return;
  answer.push_back({"A rank that waits for a message:",
                    fmt::format("{} at most, by {}.", value(most), most->transport)});
}

/// Before anything else: it is in every figure.
void busy(Answer& answer, const Results& run, const std::string& name) {
  if (run.machine.load <= 0.5 * run.machine.cores) return;
  answer.push_back({fmt::format("The machine was busy when {} began", name),
                    fmt::format("(load {:.1f} on {} cores): what else ran is in its times, and in "
                                "its ratios. Measure again while nothing else runs.",
                                run.machine.load, run.machine.cores)});
}

std::string change(const Sheet::Line& line) {
  const std::string setting = setting_text(line.figure);
  return fmt::format("{} {}{}{}, from {} to {} ({}x)", line.figure.transport, line.figure.measure,
                     setting.empty() ? "" : ", ", setting,
                     quantity_text(line.first->p50, line.figure),
                     quantity_text(line.second->p50, line.figure), ratio_text(*line.ratio));
}

}  // namespace

Answer answer(const Results& run) {
  Answer answer;
  busy(answer, run, "the run");
  within_a_process(answer, run);
  between_processes(answer, run, "latency");
  between_processes(answer, run, "bandwidth");
  zmq_beside_mpi(answer, run);
  overview(answer, run);
  cost(answer, run);
  inproc_beside_threads(answer, run);
  waiting(answer, run);
  if (run.figures.empty()) answer.push_back({"This run has no figures.", ""});
  return answer;
}

Answer answer(const Results& first, const std::string& first_name, const Results& second,
              const std::string& second_name) {
  const Sheet sheet = sheet_of(first, first_name, second, second_name);
  std::size_t better = 0, worse = 0, alike = 0;
  const Sheet::Line *best = nullptr, *worst = nullptr;
  const auto gain = [](const Sheet::Line& line) {
    return line.figure.lower_is_better ? 1 / *line.ratio : *line.ratio;
  };
  for (const auto& line : sheet.lines) {
    if (!line.ratio || *line.ratio <= 0) continue;
    const std::string said = verdict(line);
    ++(said == "better" ? better : said == "worse" ? worse : alike);
    if (said == "better" && (best == nullptr || gain(line) > gain(*best))) best = &line;
    if (said == "worse" && (worst == nullptr || gain(line) < gain(*worst))) worst = &line;
  }
  Answer answer;
  busy(answer, first, first_name);
  busy(answer, second, second_name);
  answer.push_back(
      {fmt::format("{} beside {}:", second_name, first_name),
       fmt::format("of {} figures that both have, {} are better, {} are worse, and {} are "
                   "alike (within 10 %).",
                   better + worse + alike, better, worse, alike)});
  if (best != nullptr) answer.push_back({"Gained most:", change(*best) + "."});
  if (worst != nullptr) answer.push_back({"Lost most:", change(*worst) + "."});
  for (const auto& difference : differences(first, second)) {
    answer.push_back({"The runs differ in more than time:", difference + "."});
  }
  return answer;
}

}  // namespace comparison
