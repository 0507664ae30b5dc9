#pragma once

#include <cstdint>
#include <optional>
#include <zmq.hpp>

namespace rankwire::zmq_wire {

/// Reports events of one socket's connections. cppzmq has a monitor_t, but it hides the socket that
/// must be polled.
class Monitor {
 public:
  struct Event {
    std::uint16_t id = 0;  ///< ZMQ_EVENT_*
    int value = 0;         ///< the connection's file descriptor, or an error number
  };

  /// Starts to watch `watched`. Never blocks libzmq's thread: the reading side has no limit, and
  /// its owner reads whenever it looks at its sockets.
  Monitor(zmq::context_t& context, zmq::socket_t& watched);
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  /// The next event, or nothing if there is none now.
  [[nodiscard]] std::optional<Event> next();
  [[nodiscard]] zmq::socket_t& socket() { return reader_; }

 private:
  zmq::socket_t& watched_;
  zmq::socket_t reader_;
};

}  // namespace rankwire::zmq_wire
