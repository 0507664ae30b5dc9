#pragma once

#include <optional>
#include <string>
#include <variant>

#include "rankwire/buffer.hpp"

namespace rankwire {

inline constexpr int any_source = -1;
inline constexpr int any_tag = -1;
/// User tags are 0..tag_max on every transport (some MPI stacks allow no more than 2^19-1).
inline constexpr int tag_max = 262143;

/// A received message. It owns its bytes.
struct Message {
  int source = 0;
  int tag = 0;
  Buffer payload;
};

/// A received message whose bytes went into the caller's own memory.
struct Envelope {
  int source = 0;
  int tag = 0;
  std::size_t bytes = 0;
};

/// The end of a rank: it closed its channel (left); or it died, hung its connection or was cut off
/// (lost).
struct Departure {
  enum class Kind { left, lost };
  int rank = 0;
  Kind kind = Kind::lost;
  std::string host;
  int pid = 0;
  std::string reason;  ///< "closed its channel", "connection closed without a goodbye", ...
};

/// A process took the place of a rank that had departed.
struct Arrival {
  int rank = 0;
  std::string host;
  int pid = 0;
};

/// What Channel::next returns.
using Event = std::variant<Message, Departure, Arrival>;

}  // namespace rankwire
