#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <map>
#include <optional>
#include <rankwire/rankwire.hpp>
#include <thread>

#include "checked_stream.hpp"

// Every rank sends checked messages to every other one for some time. On stdout, at once:
//   rank R: streams                                   when the world is complete
//   rank R: computes                                  when it leaves its channel alone
//   rank R: lost rank P: REASON                       once for each; it goes on with the others
//   rank R: sees that rank P left too early: REASON
//   rank R: N messages from rank P, once and in order   for each that was neither
// A message that is lost, repeated or damaged ends the world. Exit code 3 when a rank was lost.

namespace {

using Clock = std::chrono::steady_clock;
using rankwire::Deadline;
using namespace std::chrono_literals;

constexpr int data_tag = 1, end_tag = 2;
constexpr std::uint64_t seed = 7;

struct Options {
  double seconds = 5;                  // how long it sends
  double compute = 0;                  // how long one leaves its channel alone
  double compute_at = 1;               // from when on
  double pause_ms = 1;                 // between messages to one rank
  int compute_rank = 1;                // who does
  double every_ms = 0;                 // at least so long between two messages to one rank
  std::optional<std::size_t> bytes{};  // of each message; not given: all sizes
  bool workers_only = false;           // nothing to or from the master but the end
};

template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  const auto line = fmt::format(format, std::forward<Args>(args)...) + "\n";
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

struct Other {
  network::CheckedStream to, from;
  std::uint64_t sent = 0, received = 0;
  Clock::time_point next_at{};  // the earliest for the next message to it
  bool said_end = false, ended = false, gone = false;
};

class Streams {
 public:
  Streams(rankwire::Channel& world, const Options& options) : world_{world}, options_{options} {
    for (int rank = 0; rank < world.size(); ++rank) {
      if (rank == world.rank()) continue;
      others_.emplace(rank, Other{{seed, world.rank(), rank, options.bytes},
                                  {seed, rank, world.rank(), options.bytes}});
    }
  }

  int run() {
    say("rank {}: streams", world_.rank());
    const auto start = Clock::now();
    const auto end = start + seconds(options_.seconds);
    auto compute_at = start + seconds(options_.compute_at);
    const bool computes = options_.compute > 0 && options_.compute_rank == world_.rank();
    while (remains()) {
      const bool sends = Clock::now() < end;
      for (auto& [rank, other] : others_) send_to(rank, other, sends);
      take_in(Deadline{std::chrono::duration<double, std::milli>{options_.pause_ms}});
      if (computes && Clock::now() >= compute_at) {
        say("rank {}: computes", world_.rank());
        std::this_thread::sleep_for(seconds(options_.compute));
        compute_at = Clock::time_point::max();
      }
    }
    return report();
  }

 private:
  static Clock::duration seconds(double number) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{number});
  }
  [[nodiscard]] bool remains() const {
    return std::ranges::any_of(others_, [](const auto& entry) {
      return !entry.second.gone && !(entry.second.said_end && entry.second.ended);
    });
  }
  [[nodiscard]] bool is_streamed(int rank) const {
    return !options_.workers_only || (rank != 0 && world_.rank() != 0);
  }

  void send_to(int rank, Other& other, bool more) {
    if (other.gone || other.said_end) return;
    try {
      if (more) {
        if (!is_streamed(rank) || Clock::now() < other.next_at) return;
        other.next_at = Clock::now() + seconds(options_.every_ms / 1000);
        world_.send(rank, data_tag, other.to.make(other.sent), Deadline::poll());
        ++other.sent;
      } else {
        rankwire::send(world_, rank, end_tag, other.sent, Deadline::poll());
        other.said_end = true;
      }
    } catch (const rankwire::Timeout&) {
      // No room: again the next time.
    } catch (const rankwire::PeerGone& gone) {
      note(gone.departure());
    }
  }

  /// Everything that is there; waits for the first of it.
  void take_in(Deadline deadline) {
    while (auto event = world_.next(rankwire::any_source, rankwire::any_tag, deadline)) {
      if (const auto* const message = std::get_if<rankwire::Message>(&*event)) {
        take(*message);
      } else if (const auto* const departure = std::get_if<rankwire::Departure>(&*event)) {
        note(*departure);
      }
      if (!remains()) return;
      deadline = Deadline::poll();
    }
  }
  void take(const rankwire::Message& message) {
    Other& other = others_.at(message.source);
    if (message.tag == data_tag) {
      other.from.check(other.received++, message.payload.bytes());
      return;
    }
    const auto sent = rankwire::decode<std::uint64_t>(message.payload.bytes());
    if (sent != other.received) {
      throw std::runtime_error{fmt::format("rank {} sent {} messages, rank {} got {}",
                                           message.source, sent, world_.rank(), other.received)};
    }
    other.ended = true;
  }
  void note(const rankwire::Departure& departure) {
    Other& other = others_.at(departure.rank);
    if (other.gone || (other.said_end && other.ended)) return;
    other.gone = true;
    const bool lost = departure.kind == rankwire::Departure::Kind::lost;
    say("rank {}: {} rank {}{}: {}", world_.rank(), lost ? "lost" : "sees that", departure.rank,
        lost ? "" : " left too early", departure.reason);
  }

  int report() {
    bool all = true;
    for (const auto& [rank, other] : others_) {
      all = all && !other.gone;
      if (other.gone) continue;
      say("rank {}: {} messages from rank {}, once and in order", world_.rank(), other.received,
          rank);
    }
    return static_cast<int>(all ? rankwire::ExitCode::ok : rankwire::ExitCode::peer);
  }

  rankwire::Channel& world_;
  Options options_;
  std::map<int, Other> others_;
};

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const rankwire::Program program{
      .description = "Every rank sends checked messages to every other one.",
      .options = [&](CLI::App& app) {
        app.add_option("--seconds", options.seconds, "how long to send");
        app.add_option("--pause-ms", options.pause_ms,
                       "wait for messages before the next are sent");
        app.add_option("--every-ms", options.every_ms,
                       "at least so long between messages to one rank");
        app.add_option("--bytes", options.bytes, "of each message");
        app.add_option("--compute", options.compute,
                       "seconds for which one rank leaves its channel alone");
        app.add_option("--compute-at", options.compute_at, "seconds from its start until then");
        app.add_option("--compute-rank", options.compute_rank, "which rank that is");
        app.add_flag("--workers-only", options.workers_only, "the master neither sends nor gets");
      }};
  return rankwire::run(
      argc, argv,
      [&](rankwire::Channel& world) {
        return Streams{world, options}.run();
      },
      program);
}
