#include "measure/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "measure/allocations.hpp"
#include "measure/backlog.hpp"
#include "measure/facts.hpp"
#include "measure/stage.hpp"
#include "results/inproc_bandwidth.hpp"
#include "results/quantity.hpp"
#include "results/statistics.hpp"

namespace comparison {
namespace {

constexpr std::size_t small_bytes = 64;  // of the messages whose rate is measured
constexpr int rate_count = 32768;
constexpr int fan_in_count = 1024;

/// As many large messages in flight as fit rankwire's default window, at most 64.
int window_of(std::size_t bytes) {
  constexpr std::size_t in_flight_bytes = std::size_t{64} << 20;
  return static_cast<int>(std::clamp<std::size_t>(in_flight_bytes / bytes, 4, 64));
}

void progress(const Figure& figure) {
  const std::string setting = setting_text(figure);
  std::string line =
      fmt::format("{} {}{}{}: {}", figure.transport, figure.measure, setting.empty() ? "" : " ",
                  setting, quantity_text(figure.rankwire.p50, figure));
  for (const Beside& beside : figure.beside) {
    line += fmt::format(", {} {}", beside.kind, quantity_text(beside.summary.p50, figure));
    if (beside.ratio.pairs > 0) line += fmt::format(" (ratio {:.2f})", beside.ratio.median);
  }
  std::fputs((line + "\n").c_str(), stderr);
}

/// Rank 0, while it makes the figures of its world.
class Measurer {
 public:
  Measurer(Stage& stage, const Options& options, Results& results)
      : stage_{stage}, options_{options}, plan_{plan_of(options.length())}, results_{results} {}

  void run();

 private:
  using Play = std::function<Played(WayId)>;
  using Value = std::function<double(double)>;  // of a sample in seconds

  [[nodiscard]] Figure figure(const std::string& measure, const std::string& unit,
                              std::size_t bytes, int ranks = 2) const;
  void contest(Figure figure, WayId ours, const std::vector<WayId>& theirs, const Play& play,
               const Value& value);
  void add(Figure&& figure);

  void latency();
  void bandwidth();
  void rate();
  void record();
  void fan_in();
  void idle();
  void wake();
  void allocations();
  void copies();
  void backlog();
  void deadlines();
  void burst();

  Stage& stage_;
  const Options& options_;
  Plan plan_;
  Results& results_;
};

void Measurer::run() {
  if (options_.wants("latency")) latency();
  if (options_.wants("bandwidth")) bandwidth();
  if (options_.wants("rate")) rate();
  if (options_.wants("record")) record();
  if (options_.wants("fan-in")) fan_in();
  if (options_.wants("idle")) idle();
  if (options_.wants("wake")) wake();
  if (options_.wants("allocations")) allocations();
  if (options_.wants("copies")) copies();
  if (options_.wants("backlog")) backlog();
  if (options_.wants("deadlines")) deadlines();
  if (options_.wants("burst")) burst();
}

Figure Measurer::figure(const std::string& measure, const std::string& unit, std::size_t bytes,
                        int ranks) const {
  Figure made;
  made.measure = measure;
  made.transport = stage_.place().transport;
  made.unit = unit;
  made.lower_is_better = unit != "1/s" && unit != "B/s";
  made.bytes = bytes;
  made.ranks = ranks;
  return made;
}

void Measurer::add(Figure&& figure) {
  progress(figure);
  results_.figures.push_back(std::move(figure));
}

/// Rounds of `ours` and of each of `theirs` that this world has, in turn.
void Measurer::contest(Figure figure, WayId ours, const std::vector<WayId>& theirs,
                       const Play& play, const Value& value) {
  struct Entry {
    WayId id;
    std::vector<double> samples, medians;
  };
  std::vector<Entry> entries{{ours, {}, {}}};
  for (const WayId id : theirs) {
    if (stage_.way(id) != nullptr) entries.push_back({id, {}, {}});
  }
  // Not counted: until each has its memory, whose first touch takes longer than to send it.
  if (figure.bytes >= large_bytes) {
    for (const Entry& entry : entries) (void)play(entry.id);
  }
  for (int pair = 0; pair < plan_.pairs; ++pair) {
    // Who comes first changes, so that a machine that grows slower or faster favors nobody.
    std::reverse(entries.begin(), entries.end());
    for (Entry& entry : entries) {
      auto samples = play(entry.id).samples;
      std::transform(samples.begin(), samples.end(), samples.begin(), value);
      entry.medians.push_back(median(samples));
      entry.samples.insert(entry.samples.end(), samples.begin(), samples.end());
    }
  }
  if (entries.front().id != ours) std::reverse(entries.begin(), entries.end());
  figure.rankwire = summary_of(entries.front().samples);
  for (auto entry = entries.begin() + 1; entry != entries.end(); ++entry) {
    const Way& way = *stage_.way(entry->id);
    figure.beside.push_back({way.kind(), way.name(), summary_of(entry->samples),
                             ratio_of(entries.front().medians, entry->medians)});
  }
  add(std::move(figure));
}

double as_it_is(double seconds) {
  return seconds;
}

void Measurer::latency() {
  for (const std::size_t bytes : plan_.latency_bytes) {
    const Bounce round{.bytes = bytes, .time = plan_.round};
    contest(
        figure("latency", "s", bytes), WayId::rankwire, {WayId::raw, WayId::socket, WayId::boost},
        [&](WayId way) { return stage_.play(way, round); }, as_it_is);
  }
}

void Measurer::bandwidth() {
  if (stage_.place().transport == "inproc") {
    results_.left_out.push_back(no_inproc_bandwidth());
    return;
  }
  for (const std::size_t bytes : plan_.bandwidth_bytes) {
    const Flood flood{.bytes = bytes, .count = window_of(bytes), .time = plan_.flood_round};
    contest(
        figure("bandwidth", "B/s", bytes), WayId::rankwire, {WayId::raw, WayId::socket},
        [&](WayId way) { return stage_.play(way, flood); },
        [&](double seconds) { return static_cast<double>(bytes) / seconds; });
  }
}

void Measurer::rate() {
  const Flood flood{.bytes = small_bytes, .count = rate_count, .time = plan_.flood_round};
  contest(
      figure("rate", "1/s", small_bytes), WayId::rankwire, {WayId::raw, WayId::socket},
      [&](WayId way) { return stage_.play(way, flood); },
      [](double seconds) { return 1 / seconds; });
}

void Measurer::record() {
  const std::size_t bytes = rankwire::encode(Record{}).size();
  contest(
      figure("record", "s", bytes), WayId::record, {WayId::raw, WayId::boost_record},
      [&](WayId way) { return stage_.play(way, Bounce{.bytes = bytes, .time = plan_.round}); },
      as_it_is);
}

void Measurer::fan_in() {
  for (const int workers : plan_.workers) {
    if (workers >= stage_.world().size()) continue;
    const Flood flood{
        .bytes = small_bytes, .count = fan_in_count, .workers = workers, .time = plan_.flood_round};
    contest(
        figure("fan-in", "1/s", small_bytes, workers + 1), WayId::rankwire, {WayId::raw},
        [&](WayId way) { return stage_.play(way, flood); },
        [](double seconds) { return 1 / seconds; });
  }
}

/// The most that a rank spends. Ranks that are threads share what their process spends.
void Measurer::idle() {
  const int ranks = stage_.world().size();
  const bool threads = stage_.place().transport == "inproc";
  const auto played = stage_.play_silence(plan_.idle);
  double most = played.own.cpu_seconds;
  for (const Resources& other : played.others) most = std::max(most, other.cpu_seconds);
  Figure made = figure("idle", "s", 0, ranks);
  made.rankwire = summary_of({most / plan_.idle.count() / (threads ? ranks : 1)});
  if (Way* const raw = stage_.way(WayId::raw)) {
    // One silence of that length; rank 1 is blocked in the library's receive, rank 0 sleeps.
    const auto silence = std::chrono::duration_cast<std::chrono::milliseconds>(plan_.idle);
    const auto other = stage_.play(WayId::raw, Bounce{.silence = silence}).others.at(0).cpu_seconds;
    made.beside.push_back(
        {raw->kind(), raw->name(), summary_of({other / plan_.idle.count()}), Ratio{}});
  }
  add(std::move(made));
}

void Measurer::wake() {
  using namespace std::chrono_literals;
  const Bounce round{.time = plan_.wake_round, .silence = 40ms};
  contest(
      figure("wake", "s", round.bytes), WayId::rankwire, {WayId::raw},
      [&](WayId way) { return stage_.play(way, round); }, as_it_is);
}

/// On all processes, for each message that was sent; warm-up and the start of a round included.
double allocations_a_message(const Played& played, double messages, bool threads) {
  std::uint64_t count = played.own.allocations;
  for (const Resources& other : played.others) count += threads ? 0 : other.allocations;
  return static_cast<double>(count) / messages;
}

void Measurer::allocations() {
  if (!counts_allocations()) {
    results_.left_out.push_back(
        {"allocations", "not counted in this build: it has a sanitizer, or no glibc"});
    return;
  }
  const bool threads = stage_.place().transport == "inproc";
  const auto measure = [&](Figure made, double messages_each, const Play& play) {
    for (const WayId id : {WayId::rankwire, WayId::raw}) {
      Way* const way = stage_.way(id);
      if (way == nullptr) continue;
      (void)play(id);  // until all queues have the size that they need
      const auto played = play(id);
      const auto messages = static_cast<double>(played.others.at(0).messages) * messages_each;
      const auto summary = summary_of({allocations_a_message(played, messages, threads)});
      if (id == WayId::rankwire) {
        made.rankwire = summary;
      } else {
        made.beside.push_back({way->kind(), way->name(), summary, Ratio{}});
      }
    }
    add(std::move(made));
  };
  const Bounce bounce{.bytes = stamp_bytes, .time = std::chrono::milliseconds{300}};
  measure(figure("allocations", "1", bounce.bytes), 2,  // one there, one back
          [&](WayId way) { return stage_.play(way, bounce); });
  const Flood flood{
      .bytes = small_bytes, .count = rate_count, .time = std::chrono::milliseconds{200}};
  measure(figure("allocations", "1", flood.bytes), 1,
          [&](WayId way) { return stage_.play(way, flood); });
}

void Measurer::copies() {
  for (const std::size_t bytes : {std::size_t{1} << 20, std::size_t{16} << 20}) {
    const auto played = stage_.play(WayId::rankwire, Bounce{.bytes = bytes, .time = plan_.round});
    const Resources& other = played.others.at(0);
    Figure made = figure("copies", "B", bytes);
    made.rankwire = summary_of({static_cast<double>(played.own.bytes_copied + other.bytes_copied) /
                                (2 * static_cast<double>(other.messages))});
    add(std::move(made));
  }
}

/// The same round trips behind messages that wait, and behind none.
void Measurer::backlog() {
  constexpr int waiting = 200'000;
  const Bounce round{.time = plan_.round};
  std::vector<double> all_behind, all_bare, behind_medians, bare_medians;
  const auto play = [&](std::vector<double>& all, std::vector<double>& medians) {
    const auto samples = stage_.play(WayId::rankwire, round).samples;
    medians.push_back(median(samples));
    all.insert(all.end(), samples.begin(), samples.end());
  };
  for (int pair = 0; pair < plan_.pairs; ++pair) {
    play(all_bare, bare_medians);
    (void)stage_.play_backlog(waiting / 2);
    play(all_behind, behind_medians);
    take_backlog(stage_.world(), waiting / 2);
  }
  Figure made = figure("backlog", "s", round.bytes);
  made.rankwire = summary_of(all_behind);
  made.beside.push_back({"no backlog", "the same where nothing waits", summary_of(all_bare),
                         ratio_of(behind_medians, bare_medians)});
  add(std::move(made));
}

/// How long calls with a deadline take while messages pour in.
void Measurer::deadlines() {
  constexpr int pouring = 300'000;
  for (const bool full_window : {false, true}) {
    std::vector<double> seconds;
    for (int i = 0; i < plan_.pairs; ++i) {
      const auto samples = stage_.play_pour(pouring, full_window).samples;
      seconds.insert(seconds.end(), samples.begin(), samples.end());
    }
    Figure made = figure(full_window ? "send deadline" : "receive deadline", "s", 0);
    made.rankwire = summary_of(seconds);
    add(std::move(made));
  }
}

/// Until the last byte is there, while the sender computes, and while it waits in a call.
void Measurer::burst() {
  constexpr std::chrono::seconds computing{1};
  const int pairs = std::min(plan_.pairs, 3);  // each takes seconds, and shows whole seconds
  constexpr Burst bursts[] = {{64, 20'000}, {60'000, 500}, {1'000'000, 50}};
  for (const Burst& each : bursts) {
    const auto play = [&](WayId way, std::chrono::seconds time, std::vector<double>& into) {
      into.push_back(stage_.play(way, Burst{each.bytes, each.count, time}).samples.front());
    };
    std::vector<double> computed, waited, raw, not_counted;
    Way* const raw_way = stage_.way(WayId::raw);
    // Until each has its memory.
    play(WayId::rankwire, {}, not_counted);
    if (raw_way != nullptr) play(WayId::raw, {}, not_counted);
    for (int pair = 0; pair < pairs; ++pair) {
      play(WayId::rankwire, computing, computed);
      play(WayId::rankwire, {}, waited);
      if (raw_way != nullptr) play(WayId::raw, computing, raw);
    }
    Figure made = figure("burst", "s", each.bytes);
    made.rankwire = summary_of(computed);
    if (raw_way != nullptr) {
      made.beside.push_back(
          {raw_way->kind(), raw_way->name(), summary_of(raw), ratio_of(computed, raw)});
    }
    made.beside.push_back({"waits", "the same where the sender waits in a call", summary_of(waited),
                           ratio_of(computed, waited)});
    add(std::move(made));
  }
}

void check_world(const rankwire::Channel& world, const Options& options) {
  if (world.size() < 2) {
    throw rankwire::UsageError{"compare needs 2 ranks, this world has 1: say -n 2"};
  }
  const auto& measures = options.measures;
  if (std::find(measures.begin(), measures.end(), "start") != measures.end() &&
      options.only.empty()) {
    throw rankwire::UsageError{
        "start times worlds that compare starts itself: call it without a launcher, without -n, "
        "--transport, --listen and --join"};
  }
  if (!options.over.empty() && options.only.empty()) {
    throw rankwire::UsageError{
        "--over chooses among the worlds that compare starts itself, but this one was said: leave "
        "out --over, or the launcher, -n, --transport, --listen and --join"};
  }
  if (options.check && options.only.empty()) {
    throw rankwire::UsageError{
        "--check starts the worlds that it looks at: call it without a launcher, without -n, "
        "--transport, --listen and --join"};
  }
}

}  // namespace

Results measure_world(rankwire::Channel& world, const Options& options) {
  if (world.rank() == 0) check_world(world, options);
  if (options.wants("allocations")) start_counting_allocations();
  Stage stage{world};
  if (world.rank() != 0) {
    stage.follow();
    return {};
  }
  Results results = facts_of(world, options);
  if (stage.place().encrypted) {
    results.left_out.push_back(
        {"baselines", "links have keys, and the bare libraries here have none"});
  }
  Measurer{stage, options, results}.run();
  stage.end();
  return results;
}

}  // namespace comparison
