#include "sockets/monitor.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstring>

#include "sockets/calls.hpp"

namespace rankwire::zmq_wire {

Monitor::Monitor(zmq::context_t& context, zmq::socket_t& watched)
    : watched_{watched}, reader_{context, zmq::socket_type::pair} {
  static std::atomic<unsigned> counter{0};
  const std::string endpoint = fmt::format("inproc://rankwire-monitor-{}", counter++);
  // HANDSHAKE_FAILED_PROTOCOL is left out. libzmq 4.3.4 also reports it for a damaged frame of
  // CURVE, and then reads an error number that the report has changed. The connection then neither
  // ends nor gives anything more, or the process aborts.
  constexpr int events = ZMQ_EVENT_LISTENING | ZMQ_EVENT_CONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                         ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                         ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  start_monitor(watched, endpoint, events);
  set_option(reader_, zmq::sockopt::rcvhwm, 0);
  set_option(reader_, zmq::sockopt::linger, 0);
  connect_to(reader_, endpoint);
  // libzmq takes a socket for awake until it was looked at once; its descriptor reports nothing
  // before.
  (void)option_of(reader_, zmq::sockopt::events);
}

Monitor::~Monitor() {
  // Stops before the reader is closed: an event to a closed reader would block libzmq's thread.
  stop_monitor(watched_);
}

std::optional<Monitor::Event> Monitor::next() {
  zmq::message_t event;
  if (!receive_part(reader_, event)) return std::nullopt;
  zmq::message_t address;
  (void)receive_part(reader_, address);
  if (event.size() < 6) return std::nullopt;
  Event read;
  std::int32_t value = 0;
  std::memcpy(&read.id, event.data(), sizeof read.id);
  std::memcpy(&value, event.data<char>() + sizeof read.id, sizeof value);
  read.value = value;
  return read;
}

}  // namespace rankwire::zmq_wire
