#pragma once

#include <cerrno>
#include <utility>
#include <zmq.hpp>

// Calls of libzmq that a signal handler of the program's may end with EINTR, even those that do not
// wait: libzmq looks at its own commands first, and has done nothing else then. So they are made
// again at once; none of them waits.

namespace rankwire::zmq_wire {

/// What `call` gives. Throws zmq::error_t for everything but EINTR.
template <class Call>
decltype(auto) uninterrupted(Call&& call) {
  while (true) {
    try {
      return call();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

/// Sends a part of a message, which is empty then. Never waits where there is no high-water mark.
inline void send_part(zmq::socket_t& socket, zmq::message_t&& part, bool more) {
  const auto flags =
      more ? zmq::send_flags::dontwait | zmq::send_flags::sndmore : zmq::send_flags::dontwait;
  (void)uninterrupted([&] { return socket.send(part, flags); });
}

/// The next part that has come; false when there is none.
[[nodiscard]] inline bool receive_part(zmq::socket_t& socket, zmq::message_t& part) {
  return uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); }).has_value();
}

}  // namespace rankwire::zmq_wire
