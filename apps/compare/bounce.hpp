#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <rankwire/errors.hpp>
#include <span>
#include <vector>

// A payload bounces between two ranks. One loop for rankwire and for every baseline, so that they
// differ in nothing but the link. A Link is one side of the way:
//
//   void make(std::size_t bytes)        makes a payload
//   std::span<std::byte> payload()      the one it has: made or received last
//   void send(), void receive()         to and from the other side; receive waits, in vain at most
//                                       some seconds
//
// The payload's first and last eight bytes are the trip's number, and both sides check them each
// time. The rest is a pattern, of which every byte is checked at the end of the warm-up and of the
// round, outside of the time that is measured.

namespace comparison {

struct Round {
  std::size_t bytes = stamp_bytes;  ///< of the payload, stamp_bytes at least
  std::chrono::duration<double> time{};
  static constexpr std::size_t stamp_bytes = 8;
};

namespace bounce_detail {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;
inline constexpr std::uint64_t last_trip = UINT64_MAX;

inline void stamp(std::span<std::byte> payload, std::uint64_t trip) {
  std::memcpy(payload.data(), &trip, sizeof trip);
  std::memcpy(payload.data() + payload.size() - sizeof trip, &trip, sizeof trip);
}

/// The trip's number. Throws when the two ends of the payload differ.
inline std::uint64_t stamp_of(std::span<const std::byte> payload) {
  std::uint64_t front = 0, back = 1;
  if (payload.size() >= sizeof front) {
    std::memcpy(&front, payload.data(), sizeof front);
    std::memcpy(&back, payload.data() + payload.size() - sizeof back, sizeof back);
  }
  if (front != back) {
    throw rankwire::Error{
        fmt::format("a payload of {} bytes came damaged: it begins with trip {}, "
                    "and ends with trip {}",
                    payload.size(), front, back)};
  }
  return front;
}

inline std::byte pattern(std::size_t at) {
  return static_cast<std::byte>((at * 31 + (at >> 8)) & 0xff);
}

inline std::span<std::byte> between_stamps(std::span<std::byte> payload) {
  const std::size_t ends = std::min(payload.size(), 2 * Round::stamp_bytes);
  return payload.subspan(ends / 2, payload.size() - ends);
}

/// The side that counts and measures.
template <class Link>
class Leader {
 public:
  Leader(Link& link, std::size_t bytes) : link_{link}, bytes_{bytes} {
    link_.make(bytes_);
    const auto middle = between_stamps(link_.payload());
    for (std::size_t at = 0; at < middle.size(); ++at) middle[at] = pattern(at);
  }

  void trip() { trip(++trips_); }
  void finish() { trip(last_trip); }
  [[nodiscard]] std::uint64_t trips() const { return trips_; }

  /// Seconds of a trip there and back, the mean of `count` in a row.
  double time_trips(int count) {
    const auto start = Clock::now();
    for (int i = 0; i < count; ++i) trip();
    return Seconds{Clock::now() - start}.count() / count;
  }

  void check_all_bytes() {
    const auto middle = between_stamps(link_.payload());
    for (std::size_t at = 0; at < middle.size(); ++at) {
      if (middle[at] == pattern(at)) continue;
      throw rankwire::Error{
          fmt::format("trip {} damaged byte {} of {}", trips_, at + Round::stamp_bytes, bytes_)};
    }
  }

 private:
  void trip(std::uint64_t number) {
    stamp(link_.payload(), number);
    link_.send();
    link_.receive();
    const std::uint64_t came = stamp_of(link_.payload());
    if (came == number && link_.payload().size() == bytes_) return;
    throw rankwire::Error{fmt::format("trip {} of {} bytes came back as trip {} of {} bytes",
                                      number, bytes_, came, link_.payload().size())};
  }

  Link& link_;
  std::size_t bytes_;
  std::uint64_t trips_ = 0;
};

}  // namespace bounce_detail

/// The side that measures: seconds of half a round trip, in samples, until the round's time is
/// over. The first tenth of it is warm-up.
template <class Link>
std::vector<double> lead(Link& link, const Round& round) {
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

/// The other side, until the round ends.
template <class Link>
void echo(Link& link) {
  using namespace bounce_detail;
  std::uint64_t trip = 0;
  for (std::uint64_t expected = 1; trip != last_trip; ++expected) {
    link.receive();
    trip = stamp_of(link.payload());
    if (trip != expected && trip != last_trip) {
      throw rankwire::Error{fmt::format("trip {} came where {} was expected", trip, expected)};
    }
    link.send();
  }
}

}  // namespace comparison
