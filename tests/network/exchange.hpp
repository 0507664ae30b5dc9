#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checked_stream.hpp"
#include "rankwire/channel.hpp"

namespace network {

/// A rank leaves its channel alone for some time.
struct Computing {
  int rank = 0;
  double at = 0;  ///< the share of its messages that it has sent and received by then
  std::chrono::milliseconds time{0};
};

/// How ranks exchange messages.
struct Exchange {
  std::uint64_t seed = 1;
  std::uint64_t messages = 1000;       ///< each way of each pair of ranks
  std::optional<std::size_t> bytes{};  ///< of each message; not given: see sizes
  Sizes sizes = Sizes::mixed;
  std::vector<Computing> computing{};          ///< of all ranks; those of one in order
  std::function<void()> when_one_computes{};   ///< on the rank's thread, when it begins to
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
