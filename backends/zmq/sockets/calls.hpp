#pragma once

#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <zmq.hpp>

// All calls of libzmq on sockets and messages are made here (a test checks that), so that one place
// deals with what such a call may do.
//
// EINTR: a signal handler of the program may end any of these calls, even those that do not wait,
// since libzmq looks at its own commands first. Nothing else has been done then. So the calls are
// made again at once; only await_input waits.
//
// EAGAIN: a receive finds that nothing has come. A send never gets it: no socket of ours has a
// high-water mark.
//
// Parts: the parts of a message are sent one after the other, and come together.

namespace rankwire::zmq_wire {

/// Makes `call` until it is not interrupted, and returns its result. Throws zmq::error_t for every
/// error but EINTR.
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

/// Sends a part of a message. `part` is empty afterwards. Never waits, since there is no high-water
/// mark.
inline void send_part(zmq::socket_t& socket, zmq::message_t&& part, bool more) {
  const auto flags =
      more ? zmq::send_flags::dontwait | zmq::send_flags::sndmore : zmq::send_flags::dontwait;
  (void)uninterrupted([&] { return socket.send(part, flags); });
}
/// Sends a copy of `part`.
inline void send_part(zmq::socket_t& socket, std::string_view part, bool more) {
  send_part(socket, zmq::message_t{part.data(), part.size()}, more);
}

/// Receives the next part that has come; false if there is none. part.more() says whether more
/// parts of its message follow.
[[nodiscard]] inline bool receive_part(zmq::socket_t& socket, zmq::message_t& part) {
  return uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); }).has_value();
}

/// Sets an option of zmq::sockopt, or of zmq::ctxopt for a context.
template <class Socket, class Option, class Value>
void set_option(Socket& socket, Option option, const Value& value) {
  uninterrupted([&] { socket.set(option, value); });
}
template <class Socket, class Option>
[[nodiscard]] auto option_of(const Socket& socket, Option option) {
  return uninterrupted([&] { return socket.get(option); });
}
/// Has each connection copy small messages out of the memory into which it reads. Otherwise they
/// share that memory, with counters beside it. zmq.h shows the option (ZMQ_ZERO_COPY_RECV) only to
/// programs that ask for drafts; a library that does not know it leaves all as it was.
inline void read_without_sharing(zmq::context_t& context) noexcept {
  constexpr int zero_copy_recv = 10;
  (void)zmq_ctx_set(context.handle(), zero_copy_recv, 0);
}
/// For destructors. Cannot fail on a socket that is open.
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
/// Unbinds an endpoint, which is free again when this returns.
inline void unbind_from(zmq::socket_t& socket, const std::string& endpoint) {
  uninterrupted([&] { socket.unbind(endpoint); });
}

/// Reports `events` (ZMQ_EVENT_*) of the connections of `watched` to the socket that connects to
/// `endpoint`, an inproc:// address.
inline void start_monitor(zmq::socket_t& watched, const std::string& endpoint, int events) {
  uninterrupted([&] {
    if (zmq_socket_monitor(watched.handle(), endpoint.c_str(), events) != 0) throw zmq::error_t{};
  });
}
inline void stop_monitor(zmq::socket_t& watched) noexcept {
  while (zmq_socket_monitor(watched.handle(), nullptr, 0) != 0 && zmq_errno() == EINTR) {
  }
}

/// The descriptor of the file over which a part has come. Negative if it is not known.
[[nodiscard]] inline int descriptor_of(zmq::message_t& part) {
  return zmq_msg_get(part.handle(), ZMQ_SRCFD);
}
/// What libzmq knows of the sender of a part ("Peer-Address", ...), or null. Valid as long as the
/// part.
[[nodiscard]] inline const char* property_of(zmq::message_t& part, const char* name) {
  return zmq_msg_gets(part.handle(), name);
}

/// Waits until one of `items` is ready, or for `timeout`. A signal may end the wait earlier.
inline void await_input(std::span<zmq::pollitem_t> items, std::chrono::milliseconds timeout) {
  try {
    zmq::poll(items.data(), items.size(), timeout);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
  }
}

}  // namespace rankwire::zmq_wire
