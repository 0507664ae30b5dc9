#include "table.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace comparison {
namespace {

void write(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

std::string line(const Row& row) {
  return fmt::format("{:<36}{:>12}{:>12}{:>9}{:>18}{:>12}\n", row.what, row.ours, row.raw,
                     row.ratio, row.spread, row.bar);
}

std::string ratio_text(double ratio) {
  return fmt::format("{:.{}f}", ratio, ratio < 100 ? 2 : 0);
}

}  // namespace

void print_heading(const std::string& subject) {
  std::array<double, 1> load{};
  const bool known = getloadavg(load.data(), load.size()) == 1;
  // Figures of a busy machine mean little; who reads them later shall see it.
  write(fmt::format("{}\n{} cores, load {}\n\n{}", subject, std::thread::hardware_concurrency(),
                    known ? fmt::format("{:.1f}", load[0]) : "unknown",
                    line({"what", "rankwire", "raw", "ratio", "of all pairs", "bar"})));
}

void print(const Row& row) {
  write(line(row));
}

Row row_of(const std::string& what, const Pairs& pairs, std::string (*text)(double),
           const std::string& bar) {
  return {what,
          text(pairs.ours()),
          text(pairs.raw()),
          ratio_text(pairs.ratio()),
          ratio_text(pairs.ratio_min()) + " to " + ratio_text(pairs.ratio_max()),
          bar};
}

void progress(const std::string& text) {
  std::fputs((text + "\n").c_str(), stderr);
}

std::string microseconds(double seconds) {
  return fmt::format("{:.{}f} us", seconds * 1e6, seconds < 1e-4 ? 2 : 1);
}

std::string milliseconds(double seconds) {
  return fmt::format("{:.1f} ms", seconds * 1e3);
}

}  // namespace comparison
