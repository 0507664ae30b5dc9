#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <rankwire/errors.hpp>
#include <vector>

#include "ways/stamp.hpp"

// Rank 1 sends a number of messages in a row and then computes, without a call: is all of it there
// before it calls again? One loop for rankwire and for every baseline (Link: see bounce.hpp).

namespace comparison {

struct Burst {
  std::size_t bytes = stamp_bytes;  ///< of a message, stamp_bytes at least
  int count = 1;
  std::chrono::duration<double> computing{};  ///< zero: the sender waits in a call instead
};

namespace burst_detail {

using Clock = std::chrono::steady_clock;

template <class Link>
void send_word(Link& link, int to) {
  link.make(stamp_bytes);
  stamp(link.payload(), 0);
  link.send(to);
}

}  // namespace burst_detail

/// Rank 0's side, which measures: seconds from its word to start until the last byte is here. One
/// sample.
template <class Link>
std::vector<double> lead_burst(Link& link, const Burst& burst) {
  using namespace burst_detail;
  link.expect(burst.bytes, burst.count, 1);
  const auto start = Clock::now();
  send_word(link, 1);
  for (int i = 1; i <= burst.count; ++i) {
    link.receive(1);
    const std::uint64_t number = stamp_of(link.payload());
    if (number != static_cast<std::uint64_t>(i) || link.payload().size() != burst.bytes) {
      throw rankwire::Error{fmt::format("message {} of {} bytes came where {} of {} was expected",
                                        number, link.payload().size(), i, burst.bytes)};
    }
  }
  const std::chrono::duration<double> passed = Clock::now() - start;
  send_word(link, 1);
  return {passed.count()};
}

/// Rank 1's side. Gives the number of messages.
template <class Link>
std::uint64_t send_burst(Link& link, const Burst& burst) {
  using namespace burst_detail;
  if constexpr (requires { link.prepare(burst.bytes, burst.count); }) {
    link.prepare(burst.bytes, burst.count);
  }
  link.expect(stamp_bytes, 1, 0);
  link.receive(0);
  link.burst(burst.count);
  for (int i = 1; i <= burst.count; ++i) {
    link.make(burst.bytes);
    touch_middle(link.payload());
    stamp(link.payload(), static_cast<std::uint64_t>(i));
    link.send(0);
  }
  for (const auto end = Clock::now() + burst.computing; Clock::now() < end;) {
  }
  link.flush();
  link.expect(stamp_bytes, 1, 0);
  link.receive(0);
  return static_cast<std::uint64_t>(burst.count);
}

}  // namespace comparison
