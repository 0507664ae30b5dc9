#pragma once

#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <zmq.hpp>

// The calls of libzmq on sockets and messages: all are made here (a test holds that), so that what
// one of them may do is thought of in one place.
//
// EINTR: a signal handler of the program's may end any of them with it, even those that do not
// wait: libzmq looks at its own commands first, and has done nothing else then. So they are made
// again at once. Only await_input waits. EAGAIN: nothing has come, or, for a send, never: no socket
// of ours has a high-water mark. Parts: a message's parts are sent one after the other and come
// together.

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
/// The same of a part that is copied.
inline void send_part(zmq::socket_t& socket, std::string_view part, bool more) {
  send_part(socket, zmq::message_t{part.data(), part.size()}, more);
}

/// The next part that has come; false when there is none. Whether more of its message follow is
/// said by part.more().
[[nodiscard]] inline bool receive_part(zmq::socket_t& socket, zmq::message_t& part) {
  return uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); }).has_value();
}

/// `option` is one of zmq::sockopt, or for a context of zmq::ctxopt.
template <class Socket, class Option, class Value>
void set_option(Socket& socket, Option option, const Value& value) {
  uninterrupted([&] { socket.set(option, value); });
}
template <class Socket, class Option>
[[nodiscard]] auto option_of(const Socket& socket, Option option) {
  return uninterrupted([&] { return socket.get(option); });
}
/// For a destructor: it cannot fail on a socket that is open.
inline void set_linger(zmq::socket_t& socket, std::chrono::milliseconds linger) noexcept {
  const int linger_ms = static_cast<int>(linger.count());
  zmq_setsockopt(socket.handle(), ZMQ_LINGER, &linger_ms, sizeof linger_ms);
}

inline void bind_to(zmq::socket_t& socket, const std::string& endpoint) {
  uninterrupted([&] { socket.bind(endpoint); });
}
inline void connect_to(zmq::socket_t& socket, const std::string& endpoint) {
  uninterrupted([&] { socket.connect(endpoint); });
}
/// What was bound is free again when it returns.
inline void unbind_from(zmq::socket_t& socket, const std::string& endpoint) {
  uninterrupted([&] { socket.unbind(endpoint); });
}

/// `events` (ZMQ_EVENT_*) of the connections of `watched` are sent to whoever connects to
/// `endpoint`, one of inproc://.
inline void start_monitor(zmq::socket_t& watched, const std::string& endpoint, int events) {
  uninterrupted([&] {
    if (zmq_socket_monitor(watched.handle(), endpoint.c_str(), events) != 0) throw zmq::error_t{};
  });
}
inline void stop_monitor(zmq::socket_t& watched) noexcept {
  while (zmq_socket_monitor(watched.handle(), nullptr, 0) != 0 && zmq_errno() == EINTR) {
  }
}

/// Over which file a received part has come; below 0: not known.
[[nodiscard]] inline int descriptor_of(zmq::message_t& part) {
  return zmq_msg_get(part.handle(), ZMQ_SRCFD);
}
/// What libzmq knows of where it comes from ("Peer-Address", ...); null: nothing. Lives as long as
/// the part.
[[nodiscard]] inline const char* property_of(zmq::message_t& part, const char* name) {
  return zmq_msg_gets(part.handle(), name);
}

/// Waits until one of them has what it waits for, or the time has passed; less where a signal
/// comes.
inline void await_input(std::span<zmq::pollitem_t> items, std::chrono::milliseconds timeout) {
  try {
    zmq::poll(items.data(), items.size(), timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

}  // namespace rankwire::zmq_wire
