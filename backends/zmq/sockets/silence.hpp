#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "sockets/stream_connection.hpp"

namespace rankwire::zmq_wire {

/// The silence after which a connection counts as broken, noticed up to an eighth of it later; the
/// grace begins then. Short enough that all of it, and the time to dial again, is less than grace +
/// 5 s.
[[nodiscard]] inline std::chrono::milliseconds silence_max(const Settings& settings) {
  return std::clamp(settings.grace / 4, std::chrono::milliseconds{50},
                    std::chrono::milliseconds{3'000});
}
/// A connection that stood for so long and carried nothing may be one over which nothing passes: it
/// takes that long to notice it.
[[nodiscard]] inline std::chrono::milliseconds barren_after(const Settings& settings) {
  return std::max(silence_max(settings), std::chrono::milliseconds{1'000});
}
/// A connection that stands for longer is sound, though the other program may compute and
/// acknowledge nothing.
[[nodiscard]] inline std::chrono::milliseconds proven_after(const Settings& settings) {
  return std::max(2 * silence_max(settings), std::chrono::milliseconds{4'000});
}

/// Ends connections whose other side has stopped, or is cut off: those over which no byte comes.
/// Both sides say something every half a second or so (a PING of libzmq's), whatever their programs
/// do, and each by itself: so what comes does not depend on what goes the other way, where a PING
/// may wait behind a large frame. That the other side's system acknowledges what is sent says
/// nothing: it does so for a process that is stopped, too.
///
/// Not by libzmq's own time limit of its PINGs. At a listener it may abort the process (libzmq
/// 4.3.4, "Assertion failed: !_io_error"; see wire_closing.cpp, too). And for it half a frame is
/// silence: a slow network that carries large messages would be broken off again and again. This
/// asks the system instead when bytes last came. Of a Unix socket the system does not know that;
/// but there it knows the process at the other end, whether that is stopped, and whether it has
/// exited while another, which it has forked, holds its end open.
class Silence {
 public:
  /// From now on this connection is looked at, and ended when it is silent for longer than `limit`.
  void watch(int descriptor, std::chrono::milliseconds limit);
  /// It ended, or is no more to be looked at.
  void forget(int descriptor) { watched_.erase(descriptor); }

  /// Looks at all connections eight times within the shortest limit: a few system calls for each.
  /// Gives the numbers of those that it has ended because the process over there has exited.
  std::vector<int> look();

 private:
  struct Watched {
    StreamConnection connection;
    std::chrono::milliseconds limit;
    // Of a Unix socket:
    Descriptor end_of_process{-1};               // see StreamConnection
    Deadline stopped_until = Deadline::never();  // while its process is stopped
  };

  enum class End : std::uint8_t { none, gone, silent, exited };
  [[nodiscard]] static End end_of(Watched& watched);
  [[nodiscard]] static bool is_silent(const Watched& watched);
  [[nodiscard]] static bool is_stopped(Watched& watched);
  [[nodiscard]] static bool has_exited(const Watched& watched);

  std::unordered_map<int, Watched> watched_;
  std::chrono::milliseconds look_interval_ = std::chrono::milliseconds::max();
  Deadline next_look_ = Deadline::never();
};

}  // namespace rankwire::zmq_wire
