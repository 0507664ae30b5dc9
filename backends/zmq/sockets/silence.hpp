#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "sockets/stream_connection.hpp"

namespace rankwire::zmq_wire {

/// The silence after which a connection counts as broken. It is noticed up to an eighth of this
/// later; the grace begins then. It is short enough that all of this, and the time to dial again,
/// is less than grace + 5 s.
[[nodiscard]] inline std::chrono::milliseconds silence_max(const Settings& settings) {
  return std::clamp(settings.grace / 4, std::chrono::milliseconds{50},
                    std::chrono::milliseconds{3'000});
}
/// A rank that was out of reach has so much longer than the grace. If the network is back just
/// before the grace ends, the next attempt to dial may come so much later: an earlier attempt was
/// under way when the network was cut, and the system sends its first packet again after a second.
inline constexpr std::chrono::milliseconds dialed_again_within{1500};
/// A connection that has stood for this long without carrying a frame may be one over which nothing
/// passes: noticing that takes this long.
[[nodiscard]] inline std::chrono::milliseconds barren_after(const Settings& settings) {
  return std::max(silence_max(settings), std::chrono::milliseconds{1'000});
}
/// A connection that has stood for this long is sound, even if the other program computes and
/// acknowledges nothing.
[[nodiscard]] inline std::chrono::milliseconds proven_after(const Settings& settings) {
  return std::max(2 * silence_max(settings), std::chrono::milliseconds{4'000});
}

/// Ends connections over which no byte comes: their other side has stopped or is cut off. Whoever
/// dialed sends a PING of libzmq's every half a second or so, whatever its program does; libzmq
/// answers. The master says something by itself, too (Signs). So what comes to a worker does not
/// depend on what it sends, where a PING may wait behind a large frame. TCP acknowledgements prove
/// nothing: the system sends them for a stopped process, too.
///
/// libzmq's own time limit for PINGs is not used. At a listener it may abort the process (libzmq
/// 4.3.4, "Assertion failed: !_io_error"; see also wire_closing.cpp). And it counts half a frame as
/// silence, so a slow network that carries large messages would be disconnected again and again.
/// Instead, this asks the system when bytes last came. For a Unix socket the system does not know
/// that. But it knows the process at the other end, and whether it has exited while a process that
/// it forked holds its end open. There is no network there that could go silent.
class Silence {
 public:
  /// Watches a connection from now on, and ends it when it is silent for longer than `limit`.
  void watch(int descriptor, std::chrono::milliseconds limit);
  /// Stops watching: the connection has ended, or need not be watched any more.
  void forget(int descriptor);

  /// Looks at the connections that may be silent for their limit by now; at Unix sockets eight
  /// times within it, since they tell of the present only. Costs a few system calls for each of
  /// those, and nothing for the others. Returns the descriptors of those that it ended because the
  /// process at the other end has exited.
  std::vector<int> look();

 private:
  struct Watched {
    StreamConnection connection;
    std::chrono::milliseconds limit{};
    Descriptor end_of_process{-1};          // only for a Unix socket; see StreamConnection
    Deadline::Clock::time_point look_at{};  // as in order_
  };

  enum class End : std::uint8_t { none, gone, silent, exited };
  void look_again(int descriptor, Watched& watched, std::chrono::milliseconds from_now);
  [[nodiscard]] static End end_of(Watched& watched, std::chrono::milliseconds& look_in);
  [[nodiscard]] static bool has_exited(const Watched& watched);

  std::unordered_map<int, Watched> watched_;
  std::set<std::pair<Deadline::Clock::time_point, int>> order_;  // when to look at which
};

}  // namespace rankwire::zmq_wire
