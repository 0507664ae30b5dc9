#include "report_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "quantity.hpp"
#include "sheet.hpp"

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

/// "mpi-shm 0.25 us, zmq-ipc 12.0 us": in the order of the ranking.
std::string in_order(const Figures& ranked) {
  std::vector<std::string> parts;
  for (const auto* figure : ranked) parts.push_back(figure->transport + " " + value(figure));
  return fmt::format("{}", fmt::join(parts, ", "));
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
  answer.push_back({"Within one process: inproc.", text + "."});
}

/// Which transport between processes, by the figures of one measure.
void between_processes(Answer& answer, const Results& run, const std::string& measure) {
  const bool large = measure == "bandwidth";
  Figures figures = of_measure(run, measure);
  std::erase_if(figures, is_inproc);
  const Figures ranked = ranking(figures, large);
  if (ranked.empty()) return;
  answer.push_back({fmt::format("Between processes, {} messages: {}.", large ? "large" : "small",
                                choice(ranked)),
                    fmt::format("{} at {}: {}.", large ? "Bandwidth" : "One way",
                                size_text(ranked.front()->bytes), in_order(ranked))});
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
  const double more = zmq->rankwire.p50 - raw_of(*mpi)->summary.p50;
  answer.push_back(
      {fmt::format("ZeroMQ instead of MPI: {} {} a message.",
                   quantity_text(std::abs(more), zmq->unit), more < 0 ? "less" : "more"),
       fmt::format(
           "That is {} beside the bare {} of {}, at {}. For it, processes can be started by "
           "hand, on any hosts, and the world goes on when a worker dies.",
           zmq->transport, raw_of(*mpi)->name, mpi->transport, size_text(zmq->bytes))});
}

/// "at 8 B: mpi-shm 1.18x, zmq-tcp 1.06x"
std::string ratios_in_order(const Figures& ranked) {
  std::vector<std::string> parts;
  for (const auto* figure : ranked) {
    parts.push_back(
        fmt::format("{} {}x", figure->transport, ratio_text(raw_of(*figure)->ratio.median)));
  }
  return fmt::format("at {}: {}", size_text(ranked.front()->bytes), fmt::join(parts, ", "));
}

/// Latency over each library's own: at the smallest size, at the largest, and the worst of all.
void cost(Answer& answer, const Results& run) {
  Figures figures = of_measure(run, "latency");
  std::erase_if(figures, [](const Figure* figure) {
    return raw_of(*figure) == nullptr || raw_of(*figure)->ratio.pairs == 0;
  });
  if (figures.empty()) return;
  const auto* worst = *std::max_element(figures.begin(), figures.end(), [](auto* a, auto* b) {
    return raw_of(*a)->ratio.median < raw_of(*b)->ratio.median;
  });
  const Figures small = ranking(figures, false), large = ranking(figures, true);
  std::string text = "Its latency over that of the bare library " + ratios_in_order(small);
  if (large.front()->bytes != small.front()->bytes) text += "; " + ratios_in_order(large);
  const double most = raw_of(*worst)->ratio.median;
  answer.push_back({most <= 1
                        ? "What rankwire costs: nothing."
                        : fmt::format("What rankwire costs: at most {}x, by {} at {}.",
                                      ratio_text(most), worst->transport, size_text(worst->bytes)),
                    text + "."});
}

void rate(Answer& answer, const Results& run) {
  const Figures ranked = ranking(of_measure(run, "rate"), false);
  if (ranked.empty()) return;
  std::vector<std::string> parts;
  for (const auto* figure : ranked) {
    const Beside* raw = raw_of(*figure);
    parts.push_back(
        fmt::format("{} {}{}", figure->transport, value(figure),
                    raw != nullptr && raw->ratio.pairs > 0
                        ? fmt::format(" ({}x the bare library)", ratio_text(raw->ratio.median))
                        : ""));
  }
  answer.push_back(
      {fmt::format("Messages of {} in a stream, one way:", size_text(ranked.front()->bytes)),
       fmt::format("{}.", fmt::join(parts, ", "))});
}

/// Start-up, at the number of ranks that most transports have; the largest of equals.
void start(Answer& answer, const Results& run) {
  Figures figures = of_measure(run, "start");
  const auto count = [&figures](const Figure* figure) {
    return std::count_if(figures.begin(), figures.end(),
                         [=](const Figure* other) { return other->ranks == figure->ranks; });
  };
  const auto chosen = std::max_element(figures.begin(), figures.end(), [&](auto* a, auto* b) {
    return std::pair{count(a), a->ranks} < std::pair{count(b), b->ranks};
  });
  if (chosen == figures.end()) return;
  const int ranks = (*chosen)->ranks;
  std::erase_if(figures, [=](const Figure* figure) { return figure->ranks != ranks; });
  std::stable_sort(figures.begin(), figures.end(), is_better);
  answer.push_back({fmt::format("A whole program of {} ranks, from start to end:", ranks),
                    in_order(figures) + "."});
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

void warnings(Answer& answer, const Results& run) {
  if (run.machine.load > 0.5 * run.machine.cores) {
    answer.push_back(
        {"The machine was busy when the run began",
         fmt::format("(load {:.1f} on {} cores): trust the ratios more than the times.",
                     run.machine.load, run.machine.cores)});
  }
  if (run.figures.empty()) answer.push_back({"This run has no figures.", ""});
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
  within_a_process(answer, run);
  between_processes(answer, run, "latency");
  between_processes(answer, run, "bandwidth");
  zmq_beside_mpi(answer, run);
  cost(answer, run);
  rate(answer, run);
  start(answer, run);
  waiting(answer, run);
  warnings(answer, run);
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
  Answer answer{
      {fmt::format("{} beside {}:", second_name, first_name),
       fmt::format("of {} figures that both have, {} are better, {} are worse, and {} are "
                   "alike (within 10 %).",
                   better + worse + alike, better, worse, alike)}};
  if (best != nullptr) answer.push_back({"Gained most:", change(*best) + "."});
  if (worst != nullptr) answer.push_back({"Lost most:", change(*worst) + "."});
  for (const auto& difference : differences(first, second)) {
    answer.push_back({"The runs differ in more than time:", difference + "."});
  }
  return answer;
}

}  // namespace comparison
