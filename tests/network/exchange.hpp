#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "rankwire/channel.hpp"

namespace network {

/// How ranks exchange messages.
struct Exchange {
  std::uint64_t seed = 1;
  std::uint64_t messages = 1000;               ///< each way of each pair of ranks
  std::optional<std::size_t> bytes{};          ///< of each message; not given: 0 to 200 KB, mixed
  std::chrono::milliseconds patience{60'000};  ///< nobody may be busy for longer
};

/// What came of a rank's part in it.
struct Outcome {
  bool complete = false;  ///< all is sent and received, each message once and in order
  std::optional<rankwire::Departure> lost;  ///< a rank that was lost before that
  std::chrono::steady_clock::time_point lost_at;
  std::string failure;  ///< anything else that went wrong

  [[nodiscard]] std::string text() const;
};

/// A rank's part: sends checked messages to every other rank while it receives theirs. It never
/// waits in a send, so it needs no window. Ends at the first loss or failure. Throws nothing.
[[nodiscard]] Outcome exchange(rankwire::Channel& world, const Exchange& how);

}  // namespace network
