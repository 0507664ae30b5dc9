#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "rankwire/deadline.hpp"
#include "sockets/stream_connection.hpp"

namespace rankwire::zmq_wire {

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
  std::chrono::milliseconds look_each_ = std::chrono::milliseconds::max();
  Deadline next_look_ = Deadline::never();
};

}  // namespace rankwire::zmq_wire
