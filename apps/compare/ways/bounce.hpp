#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <rankwire/errors.hpp>
#include <rankwire/interrupt.hpp>
#include <thread>
#include <vector>

#include "ways/stamp.hpp"

// A payload bounces between ranks 0 and 1. One loop for rankwire and for every baseline, so that
// they differ in nothing but the link. A Link is one rank's end of the way:
//
//   void make(std::size_t bytes)        makes a payload
//   std::span<std::byte> payload()      the one it has: made or received last
//   void send(int to)                   sends it; there is none then
//   int receive(int from)               waits for one, of rank `from` or any_source; gives the rank
//   void expect(std::size_t bytes, int count, int from)
//                                       what comes from now on: so large, so many in a row
//   void burst(int count), flush()      around the sending of so many in a row
//   void prepare(std::size_t bytes, int count)
//                                       before large ones are sent in a row, and only of a Link
//                                       whose payloads are handed over: has touched memory for so
//                                       many
//
// Every trip is stamped and checked; every byte is at the end of the warm-up and of the round.

namespace comparison {

struct Bounce {
  std::size_t bytes = stamp_bytes;  ///< of the payload, stamp_bytes at least
  std::chrono::duration<double> time{};
  std::chrono::milliseconds silence{0};  ///< before each trip: the other rank is blocked so long
};

namespace bounce_detail {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
inline constexpr std::uint64_t last_trip = UINT64_MAX;

/// The side that counts and measures.
template <class Link>
class Leader {
 public:
  Leader(Link& link, std::size_t bytes) : link_{link} {
    link_.expect(bytes, 1, 1);
    link_.make(bytes);
    bytes_ = link_.payload().size();  // of a record, the part that is stamped
    fill_middle(link_.payload());
  }

  void trip() { trip(++trips_); }
  void finish() { trip(last_trip); }
  void check_all_bytes() { check_middle(link_.payload()); }
  [[nodiscard]] std::uint64_t trips() const { return trips_; }

  /// Seconds of a trip there and back, the mean of `count` in a row.
  double time_trips(int count) {
    const auto start = Clock::now();
    for (int i = 0; i < count; ++i) trip();
    return Seconds{Clock::now() - start}.count() / count;
  }

 private:
  void trip(std::uint64_t number) {
    stamp(link_.payload(), number);
    link_.send(1);
    link_.receive(1);
    const std::uint64_t came = stamp_of(link_.payload());
    if (came == number && link_.payload().size() == bytes_) return;
    throw rankwire::Error{fmt::format("trip {} of {} bytes came back as trip {} of {} bytes",
                                      number, bytes_, came, link_.payload().size())};
  }

  Link& link_;
  std::size_t bytes_ = 0;
  std::uint64_t trips_ = 0;
};

}  // namespace bounce_detail

/// Rank 0's side, which measures: seconds of half a round trip, in samples, until the round's time
/// is over. The first tenth of it is warm-up.
template <class Link>
std::vector<double> lead_bounce(Link& link, const Bounce& round) {
  using namespace bounce_detail;
  // A sample is so long that reading the clock costs nothing, and short enough for a median.
  constexpr double sample_seconds = 20e-6;
  constexpr double trips_max = 64;
  Leader leader{link, round.bytes};
  const auto start = Clock::now();
  do {
    leader.trip();
  } while (Clock::now() - start < round.time / 10);
  const double trip_seconds =
      Seconds{Clock::now() - start}.count() / static_cast<double>(leader.trips());
  const int trips = static_cast<int>(std::clamp(sample_seconds / trip_seconds, 1.0, trips_max));
  leader.check_all_bytes();
  std::vector<double> samples;
  do {
    samples.push_back(leader.time_trips(trips) / 2);
  } while (Clock::now() - start < round.time);
  leader.finish();
  leader.check_all_bytes();
  return samples;
}

/// Rank 0's side after silences: seconds of whole round trips, each to a rank that has been blocked
/// for the silence of the round, a little less or a little more.
template <class Link>
std::vector<double> lead_wake(Link& link, const Bounce& round) {
  using namespace bounce_detail;
  Leader leader{link, round.bytes};
  leader.trip();
  std::vector<double> samples;
  const auto start = Clock::now();
  do {
    // Not always the same: a sleeper that looks every millisecond might be met at one moment of it.
    const auto uneven = std::chrono::microseconds{1370 * (samples.size() % 8)};
    std::this_thread::sleep_for(round.silence + uneven);
    rankwire::check_interrupted();
    samples.push_back(leader.time_trips(1));
  } while (Clock::now() - start < round.time);
  leader.finish();
  return samples;
}

/// Rank 1's side, until the round ends. Gives the number of trips.
template <class Link>
std::uint64_t echo(Link& link, std::size_t bytes) {
  using namespace bounce_detail;
  link.expect(bytes, 1, 0);
  std::uint64_t expected = 1;
  for (std::uint64_t trip = 0; trip != last_trip; ++expected) {
    link.receive(0);
    trip = stamp_of(link.payload());
    if (trip != expected && trip != last_trip) {
      throw rankwire::Error{fmt::format("trip {} came where {} was expected", trip, expected)};
    }
    link.send(0);
  }
  return expected - 1;
}

}  // namespace comparison
