#include "results/quantity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace comparison {
namespace {

struct Scale {
  double factor;
  const char* name;
};

std::string three_digits(double value) {
  if (value == 0) return "0";
  if (value < 0.01) return fmt::format("{:.2g}", value);
  // What rounds up to the next power of ten has a digit less behind the point.
  return fmt::format("{:.{}f}", value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}

/// In the largest scale in which it is 1 or more, or else the smallest.
std::string scaled(double value, std::span<const Scale> largest_first) {
  for (const auto& scale : largest_first) {
    if (value >= scale.factor * 0.9995 || &scale == &largest_first.back()) {
      return three_digits(value / scale.factor) + scale.name;
    }
  }
  return {};
}

constexpr std::array seconds{Scale{1, " s"}, Scale{1e-3, " ms"}, Scale{1e-6, " us"}};
constexpr std::array nanoseconds{Scale{1e-9, " ns"}};
constexpr std::array bytes_per_second{Scale{1e12, " TB/s"}, Scale{1e9, " GB/s"},
                                      Scale{1e6, " MB/s"}, Scale{1e3, " kB/s"}, Scale{1, " B/s"}};
constexpr std::array per_second{Scale{1e6, " M/s"}, Scale{1e3, " k/s"}, Scale{1, " /s"}};

}  // namespace

std::string quantity_text(double value, const std::string& unit) {
  // 0.35 us is compared with 12 us, so nanoseconds come late.
  if (unit == "s") return value < 0.9995e-7 ? scaled(value, nanoseconds) : scaled(value, seconds);
  if (unit == "B/s") return scaled(value, bytes_per_second);
  if (unit == "1/s") return scaled(value, per_second);
  return three_digits(value) + (unit.empty() || unit == "1" ? "" : " " + unit);
}

std::string quantity_text(double value, const Figure& figure) {
  if (figure.measure == "idle") return three_digits(value * 100) + " % of a core";
  return quantity_text(value, figure.unit);
}

std::string ratio_text(double ratio) {
  return three_digits(ratio);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  while (unit + 1 < units.size() && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, units.at(unit));
}

std::string transport_words(const std::string& transport) {
  static const std::array<Named, 7> words{{{"inproc", "inproc (threads of one process)"},
                                           {"mpi-shm", "mpi over shared memory"},
                                           {"mpi-tcp", "mpi over TCP"},
                                           {"zmq-tcp", "zmq over tcp"},
                                           {"zmq-ipc", "zmq over ipc"},
                                           {"mpi", "mpi"},
                                           {"zmq", "zmq"}}};
  const auto* const found = std::find_if(
      words.begin(), words.end(), [&](const Named& entry) { return entry.name == transport; });
  return found == words.end() ? transport : found->text;
}

std::string setting_text(const Figure& figure) {
  std::string text;
  if (figure.measure == "fan-in") {
    text = fmt::format("{} worker{}", figure.ranks - 1, figure.ranks == 2 ? "" : "s");
  } else if (figure.ranks != 2 || figure.measure == "start") {
    text = fmt::format("{} rank{}", figure.ranks, figure.ranks == 1 ? "" : "s");
  }
  if (figure.bytes > 0) text += (text.empty() ? "" : ", ") + size_text(figure.bytes);
  return text;
}

const Beside* raw_of(const Figure& figure) {
  for (const auto& beside : figure.beside) {
    if (beside.kind == "raw") return &beside;
  }
  return nullptr;
}

}  // namespace comparison
