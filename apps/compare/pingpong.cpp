#include "pingpong.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <rankwire/units.hpp>

#include "baseline.hpp"
#include "table.hpp"

namespace comparison {
namespace {

constexpr int round_tag = 1;
constexpr int ball_tag = 2;
constexpr std::array<std::size_t, 3> sizes{8, std::size_t{64} << 10, std::size_t{1} << 20};

/// What rank 0 has the others do next.
enum class Turn : std::uint8_t { rankwire, raw, over };

/// The way over the channel: owned payloads, so that nothing is copied that need not be.
class ChannelLink {
 public:
  explicit ChannelLink(rankwire::Channel& world)
      : world_{world}, other_{world.rank() == 0 ? 1 : 0} {}
  void make(std::size_t bytes) { payload_ = rankwire::Buffer{bytes}; }
  [[nodiscard]] std::span<std::byte> payload() { return payload_.bytes(); }
  void send() { world_.send(other_, ball_tag, std::move(payload_)); }
  // A rank that is lost or left ends the wait.
  void receive() { payload_ = std::move(world_.recv(other_, ball_tag)->payload); }

 private:
  rankwire::Channel& world_;
  int other_;
  rankwire::Buffer payload_;
};

void tell(rankwire::Channel& world, int rank, Turn turn) {
  rankwire::send(world, rank, round_tag, turn);
}

double play(rankwire::Channel& world, Baseline& baseline, Turn turn, const Round& round) {
  tell(world, 1, turn);
  if (turn == Turn::raw) return median(baseline.lead(round));
  ChannelLink link{world};
  return median(lead(link, round));
}

/// What the issue that asked for this program demands of the ratio.
std::string bar_of(const std::string& transport, std::size_t bytes) {
  if (bytes == 8 && transport == "mpi") return "<= 2.00";
  if (bytes == 8 && transport == "zmq") return "<= 1.30";
  return "-";
}

void measure(rankwire::Channel& world, Baseline& baseline, const Options& options) {
  constexpr double seconds_default = 8;
  const auto info = world.info();
  print_heading(
      fmt::format("Half a round trip between ranks 0 and 1: rankwire over {} ({}),\nbeside {}",
                  info.transport, info.library.substr(0, info.library.find(',')), baseline.name()));
  const double rounds = static_cast<double>(sizes.size()) * 2.0 * options.pairs;
  const std::chrono::duration<double> time{options.seconds.value_or(seconds_default) / rounds};
  for (const std::size_t bytes : sizes) {
    const std::string what =
        fmt::format("{} {}", info.transport,
                    bytes < 1024                     ? fmt::format("{} B", bytes)
                    : bytes < (std::size_t{1} << 20) ? fmt::format("{} KiB", bytes >> 10)
                                                     : fmt::format("{} MiB", bytes >> 20));
    Pairs pairs;
    for (int pair = 0; pair < options.pairs; ++pair) {
      const Round round{bytes, time};
      // Who comes first changes, so that a machine that grows slower or faster favors nobody.
      const bool raw_first = pair % 2 == 1;
      double raw = raw_first ? play(world, baseline, Turn::raw, round) : 0;
      const double ours = play(world, baseline, Turn::rankwire, round);
      if (!raw_first) raw = play(world, baseline, Turn::raw, round);
      pairs.add(ours, raw);
      progress(fmt::format("{}, pair {} of {}: p50 {}, raw {}, ratio {:.2f}", what, pair + 1,
                           options.pairs, microseconds(ours), microseconds(raw), ours / raw));
    }
    print(row_of(what, pairs, microseconds, bar_of(info.transport, bytes)));
  }
}

/// A rank other than 0 does what it is told.
void follow(rankwire::Channel& world, Baseline& baseline) {
  while (true) {
    switch (rankwire::recv<Turn>(world, 0, round_tag)) {
      case Turn::rankwire: {
        ChannelLink link{world};
        echo(link);
        break;
      }
      case Turn::raw:
        baseline.echo();
        break;
      case Turn::over:
        return;
    }
  }
}

}  // namespace

void pingpong(rankwire::Channel& world, const Options& options) {
  if (world.size() < 2) {
    throw rankwire::UsageError{"pingpong needs 2 ranks, this world has 1: say -n 2"};
  }
  const auto baseline = open_baseline(world);
  if (world.rank() != 0) return follow(world, *baseline);
  measure(world, *baseline, options);
  for (int rank = 1; rank < world.size(); ++rank) tell(world, rank, Turn::over);
}

}  // namespace comparison
