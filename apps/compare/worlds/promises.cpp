#include "worlds/promises.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "results/quantity.hpp"

namespace comparison {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;

enum class Sign { at_most, below, at_least };

bool is_kept(double value, Sign sign, double limit) {
  switch (sign) {
    case Sign::at_most:
      return value <= limit;
    case Sign::below:
      return value < limit;
    case Sign::at_least:
      break;
  }
  return value >= limit;
}

const char* text_of(Sign sign) {
  return sign == Sign::at_most ? "<=" : sign == Sign::below ? "<" : ">=";
}

/// With a digit more than the limits have: what is just short shall not look as if it were kept.
std::string exact(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 10 ? 3 : 1);
}

/// The promises of one world.
class Maker {
 public:
  explicit Maker(const Results& found) : found_{found} {}

  [[nodiscard]] const Figure* find(const std::string& measure, std::uint64_t bytes) const {
    const auto& all = found_.figures;
    const auto figure = std::find_if(all.begin(), all.end(), [&](const Figure& one) {
      return one.measure == measure && (bytes == any_bytes || one.bytes == bytes);
    });
    return figure == all.end() ? nullptr : &*figure;
  }

  /// Of rankwire's figure to that of `kind`.
  void ratio(const std::string& name, const Figure* figure, const std::string& kind, Sign sign,
             double limit) {
    const Beside* beside = nullptr;
    if (figure != nullptr) {
      for (const Beside& one : figure->beside) {
        if (one.kind == kind) beside = &one;
      }
    }
    if (beside == nullptr || beside->ratio.pairs == 0)
      return missing(name, sign, fmt::format("{:.2f}", limit));
    const Ratio& ratio = beside->ratio;
    promises.push_back(
        {fmt::format("{}, to {}", name, kind), fmt::format("{} {:.2f}", text_of(sign), limit),
         fmt::format("{} ({} to {})", exact(ratio.median), exact(ratio.min), exact(ratio.max)),
         is_kept(ratio.median, sign, limit)});
  }

  /// The figure as it is, in the words of `text`.
  void value(const std::string& name, const Figure* figure, Sign sign, double limit,
             std::string (*text)(double)) {
    if (figure == nullptr) return missing(name, sign, text(limit));
    value(name, figure->rankwire.p50, sign, limit, text);
    if (const Beside* const raw = raw_of(*figure)) {
      promises.back().measured += fmt::format(" (raw {})", text(raw->summary.p50));
    }
  }

  void value(const std::string& name, std::optional<double> value, Sign sign, double limit,
             std::string (*text)(double)) {
    if (!value) return missing(name, sign, text(limit));
    promises.push_back({name, fmt::format("{} {}", text_of(sign), text(limit)), text(*value),
                        is_kept(*value, sign, limit)});
  }

  static constexpr std::uint64_t any_bytes = UINT64_MAX;
  std::vector<Promise> promises;

 private:
  void missing(const std::string& name, Sign sign, const std::string& limit) {
    promises.push_back({name, fmt::format("{} {}", text_of(sign), limit), "not measured", false});
  }

  const Results& found_;
};

std::string number(double value) {
  return fmt::format("{:.3g}", value);
}
std::string seconds(double value) {
  return quantity_text(value, "s");
}
std::string share(double value) {
  return fmt::format("{:.2f} %", value * 100);
}

std::optional<double> median_of(const Figure* figure) {
  return figure == nullptr ? std::nullopt : std::optional{figure->rankwire.p50};
}

/// By how much rankwire's figure is larger than that of `kind`.
std::optional<double> later_than(const Figure* figure, const std::string& kind) {
  if (figure == nullptr) return std::nullopt;
  for (const Beside& beside : figure->beside) {
    if (beside.kind == kind) return std::max(figure->rankwire.p50 - beside.summary.p50, 0.0);
  }
  return std::nullopt;
}

std::string named(const std::string& what, std::uint64_t bytes) {
  return what + " " + size_text(bytes);
}

}  // namespace

std::vector<Promise> mpi_promises(const Results& found, const std::string& transport) {
  Maker maker{found};
  for (const std::uint64_t bytes :
       {std::uint64_t{8}, 64 * kib, 256 * kib, mib, 4 * mib, 16 * mib}) {
    maker.ratio(named(transport + " latency", bytes), maker.find("latency", bytes), "raw",
                Sign::at_most, bytes == 8 ? 1.25 : 1.05);
  }
  return maker.promises;
}

std::vector<Promise> boost_promises(const Results& found, const std::string& transport) {
  Maker maker{found};
  bool has_boost = false;
  for (const Figure& figure : found.figures) {
    for (const Beside& beside : figure.beside) {
      if (beside.kind != "boost") continue;
      has_boost = true;
      const bool record = figure.measure == "record";
      maker.ratio(named(transport + " " + figure.measure, figure.bytes), &figure, "boost",
                  record ? Sign::at_most : Sign::below, record ? 0.5 : 1.0);
    }
  }
  if (!has_boost)
    maker.promises.push_back({transport + ", to boost", "", "built without Boost.MPI", true});
  return maker.promises;
}

std::vector<Promise> zmq_promises(const Results& found, const std::string& transport) {
  Maker maker{found};
  for (const Figure& figure : found.figures) {
    if (figure.measure == "latency") {
      maker.ratio(named(transport + " latency", figure.bytes), &figure, "raw", Sign::at_most, 1.1);
    }
  }
  for (const std::uint64_t bytes : {mib, 4 * mib, 16 * mib}) {
    maker.ratio(named(transport + " bandwidth", bytes), maker.find("bandwidth", bytes), "raw",
                Sign::at_least, 1.0);
  }
  maker.ratio(transport + " rate 64 B", maker.find("rate", 64), "raw", Sign::at_least, 2.0);
  return maker.promises;
}

std::vector<Promise> spinning_promises(const Results& found) {
  Maker maker{found};
  maker.value("inproc latency 8 B, spinning", maker.find("latency", 8), Sign::below, 1e-6, seconds);
  // While they spin: threads that fall asleep now and then have two latencies.
  const auto small = median_of(maker.find("latency", 4 * kib));
  for (const std::uint64_t bytes : {64 * kib, mib, 16 * mib}) {
    const auto large = median_of(maker.find("latency", bytes));
    maker.value(named("inproc latency", bytes) + ", to that of 4 KiB",
                small && large ? std::optional{*large / *small} : std::nullopt, Sign::at_most, 1.25,
                exact);
  }
  return maker.promises;
}

std::vector<Promise> sleeping_promises(const Results& found) {
  Maker maker{found};
  maker.ratio("inproc latency 8 B, sleeping", maker.find("latency", 8), "raw", Sign::at_most, 1.2);
  return maker.promises;
}

std::vector<Promise> common_promises(const Results& found, const std::string& transport) {
  Maker maker{found};
  maker.value(transport + " idle, of a core", maker.find("idle", Maker::any_bytes), Sign::at_most,
              0.01, share);
  maker.ratio(transport + " wake", maker.find("wake", Maker::any_bytes), "raw", Sign::at_most, 1.5);
  const bool counted = std::none_of(found.left_out.begin(), found.left_out.end(),
                                    [](const Named& one) { return one.name == "allocations"; });
  // libzmq allocates for each of its frames, which are 20 messages and more in a stream of them.
  const double allocations = transport.starts_with("zmq") ? 0.05 : 0.01;
  for (const std::uint64_t bytes : {std::uint64_t{8}, std::uint64_t{64}}) {
    if (!counted) continue;
    maker.value(fmt::format("{} allocations a message, {} B {}", transport, bytes,
                            bytes == 8 ? "there and back" : "one way"),
                maker.find("allocations", bytes), Sign::at_most, allocations, number);
  }
  // Not of the payload, but of the few words around a round, which may be counted in it.
  constexpr double words_bytes = 64;
  for (const std::uint64_t bytes : {mib, 16 * mib}) {
    maker.value(fmt::format("{} bytes copied of a message of {}", transport, size_text(bytes)),
                maker.find("copies", bytes), Sign::at_most, words_bytes, number);
  }
  maker.ratio(transport + " latency 8 B behind 200,000 messages",
              maker.find("backlog", Maker::any_bytes), "no backlog", Sign::at_most, 1.2);
  for (const std::string call : {"receive", "send"}) {
    const Figure* const figure = maker.find(call + " deadline", Maker::any_bytes);
    maker.value(fmt::format("{} {} of 10 ms while 300,000 arrive", transport, call),
                figure == nullptr ? std::nullopt : std::optional{figure->rankwire.max},
                Sign::at_most, 0.1, seconds);
  }
  constexpr double later_max = 0.1;
  for (const std::uint64_t bytes : {64U, 60'000U, 1'000'000U}) {
    maker.value(named(transport + " burst of", bytes) + ", computes: later by",
                later_than(maker.find("burst", bytes), "waits"), Sign::at_most, later_max, seconds);
  }
  return maker.promises;
}

}  // namespace comparison
