#pragma once

#include <chrono>
#include <cstdint>
#include <unordered_map>

#include "rankwire/deadline.hpp"
#include "stream_connection.hpp"

namespace rankwire::zmq_wire {

/// Ends connections whose other side has stopped, or is cut off: those over which nothing comes.
/// Whoever dialed says something every half a second at least (a PING of libzmq's), and the other
/// side answers, whatever its program does.
///
/// Not by libzmq's own time limit of its PINGs. At a listener it may abort the process (libzmq
/// 4.3.4, "Assertion failed: !_io_error", where a caller calls again). And for it half a frame is
/// silence, and a PING that waits behind what the system has not sent yet: a slow network that
/// carries large messages would be broken off again and again. This asks the system instead when
/// bytes last came, and whether those sent arrive. Of a Unix socket the system counts nothing; but
/// there it knows the process at the other end, whether that is stopped, and whether it has exited
/// while another, which it has forked, holds its end open.
class Silence {
 public:
  /// From now on this connection is looked at, and ended when it is silent for longer than `limit`.
  void watch(int descriptor, std::chrono::milliseconds limit);
  /// It ended, or is no more to be looked at.
  void forget(int descriptor) { watched_.erase(descriptor); }

  /// Looks at all connections eight times within the shortest limit: a few system calls for each.
  void look();

 private:
  struct Watched {
    StreamConnection connection;
    std::chrono::milliseconds limit;
    Deadline unmoved_until = Deadline::poll();  // TCP: where no more of what is sent arrives
    std::uint64_t bytes_acknowledged = 0;       // TCP
    // Of a Unix socket:
    Descriptor end_of_process{-1};               // see StreamConnection
    Deadline stopped_until = Deadline::never();  // while its process is stopped
  };

  [[nodiscard]] static bool is_over(Watched& watched);
  [[nodiscard]] static bool is_silent(Watched& watched);
  [[nodiscard]] static bool is_stopped(Watched& watched);
  [[nodiscard]] static bool has_exited(const Watched& watched);

  std::unordered_map<int, Watched> watched_;
  std::chrono::milliseconds look_each_ = std::chrono::milliseconds::max();
  Deadline next_look_ = Deadline::never();
};

}  // namespace rankwire::zmq_wire
