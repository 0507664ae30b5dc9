#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <rankwire/errors.hpp>
#include <rankwire/message.hpp>
#include <vector>

#include "ways/stamp.hpp"

// Workers send to rank 0 one way: `count` messages without waiting, then they wait for its answer.
// One loop for rankwire and for every baseline (Link: see bounce.hpp). Messages are stamped with
// their number, for each worker its own, and checked; every byte is in the first batch of each
// worker, which is the warm-up, and in the last one, which is not measured.

namespace comparison {

struct Flood {
  std::size_t bytes = stamp_bytes;  ///< of a message, stamp_bytes at least
  int count = 1;                    ///< messages that a worker sends before it waits
  int workers = 1;                  ///< ranks 1 to this
  std::chrono::duration<double> time{};
};

namespace flood_detail {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// What rank 0 answers to a batch.
enum Answer : std::uint64_t { more = 1, last };

template <class Link>
class Master {
 public:
  Master(Link& link, const Flood& flood)
      : link_{link}, flood_{flood}, workers_(static_cast<std::size_t>(flood.workers)) {}

  std::vector<double> run() {
    expect();
    start_ = mark_ = Clock::now();
    for (int running = flood_.workers; running > 0;) {
      const int source = link_.receive(from());
      Worker& worker = workers_.at(static_cast<std::size_t>(source - 1));
      check(worker, source);
      if (worker.received % batch() != 0) continue;
      if (worker.is_last) {
        --running;
      } else {
        answer(worker, source);
      }
    }
    return std::move(samples_);
  }

 private:
  struct Worker {
    std::uint64_t received = 0;
    bool is_last = false;
  };

  [[nodiscard]] int from() const { return flood_.workers == 1 ? 1 : rankwire::any_source; }
  [[nodiscard]] std::uint64_t batch() const { return static_cast<std::uint64_t>(flood_.count); }
  void expect() { link_.expect(flood_.bytes, flood_.count, from()); }

  void check(Worker& worker, int source) {
    const auto payload = link_.payload();
    const std::uint64_t number = stamp_of(payload);
    if (number != ++worker.received || payload.size() != flood_.bytes) {
      throw rankwire::Error{
          fmt::format("message {} of {} bytes came from rank {} where {} of {} was expected",
                      number, payload.size(), source, worker.received, flood_.bytes)};
    }
    const bool whole = worker.received <= batch() || worker.is_last;
    if (whole) check_middle(payload);
    take_time(whole);
  }

  /// A sample is the time of as many messages as a batch has, whoever sent them.
  void take_time(bool checked_all_bytes) {
    pure_ = pure_ && !checked_all_bytes;
    if (++since_mark_ < batch()) return;
    const auto now = Clock::now();
    if (pure_) samples_.push_back(Seconds{now - mark_}.count() / static_cast<double>(batch()));
    mark_ = now;
    since_mark_ = 0;
    pure_ = true;
  }

  void answer(Worker& worker, int source) {
    constexpr std::size_t samples_wanted = 3;
    constexpr int times_longer = 3;  // at most, for these
    const auto passed = Clock::now() - start_;
    const bool enough = samples_.size() >= samples_wanted || passed >= times_longer * flood_.time;
    const bool over = !samples_.empty() && enough && passed >= flood_.time;
    worker.is_last = over;
    if (flood_.workers == 1) expect();
    link_.make(stamp_bytes);
    stamp(link_.payload(), over ? last : more);
    link_.send(source);
  }

  Link& link_;
  const Flood& flood_;
  std::vector<Worker> workers_;
  std::vector<double> samples_;
  Clock::time_point start_, mark_;
  std::uint64_t since_mark_ = 0;
  bool pure_ = true;  // since the mark no payload was checked as a whole
};

}  // namespace flood_detail

/// Rank 0's side, which measures: seconds a message, in samples, until the time is over.
template <class Link>
std::vector<double> lead_flood(Link& link, const Flood& flood) {
  return flood_detail::Master{link, flood}.run();
}

/// From here on memory is what counts: what was never touched takes longer to have than to send.
inline constexpr std::size_t large_bytes = std::size_t{256} << 10;

/// A worker's side, until rank 0 says that it is over. Gives the number of messages.
template <class Link>
std::uint64_t send_flood(Link& link, const Flood& flood) {
  using namespace flood_detail;
  // Else a sender that is slowed by new memory has fewer on their way at once, hence takes less new
  // memory with each batch, and is slow for many of them.
  if constexpr (requires { link.prepare(flood.bytes, flood.count); }) {
    if (flood.bytes >= large_bytes) link.prepare(flood.bytes, flood.count);
  }
  std::uint64_t number = 0;
  for (std::uint64_t answer = more;;) {
    link.burst(flood.count);
    for (int i = 0; i < flood.count; ++i) {
      link.make(flood.bytes);
      const bool whole = number < static_cast<std::uint64_t>(flood.count) || answer == last;
      whole ? fill_middle(link.payload()) : touch_middle(link.payload());
      stamp(link.payload(), ++number);
      link.send(0);
    }
    link.flush();
    if (answer == last) return number;
    link.expect(stamp_bytes, 1, 0);
    link.receive(0);
    answer = stamp_of(link.payload());
  }
}

}  // namespace comparison
