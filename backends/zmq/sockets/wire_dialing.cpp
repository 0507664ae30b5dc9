#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "rankwire/errors.hpp"
#include "sockets/calls.hpp"
#include "sockets/wire.hpp"

// The side of a Wire that dials. It makes one attempt after the other until one stands, and begins
// again when that breaks. Each attempt has a socket of its own.

namespace rankwire::zmq_wire {
namespace {

/// Keeps libzmq from dialing again by itself: its first pause is some days long. (With reconnecting
/// switched off, libzmq would throw away frames that were not read yet.)
constexpr int never_again_ms = 1'000'000'000;
/// An attempt that begins while the network is cut must not go on long after the cut is mended.
constexpr int connect_timeout_ms = 1000;
/// The pause before the next attempt. It doubles each time, up to the last.
constexpr std::chrono::milliseconds pause_first{100}, pause_last{400};
/// libzmq's thread reports the end of a connection just before it hands over the last frames. In
/// most cases it then also reports that it would dial again.
constexpr std::chrono::milliseconds handed_over_within{50};
/// A worker's listener sends no PINGs by itself. So the answer to a PING that waits behind a piece
/// of a payload comes late.
constexpr int worker_silences = 3;

}  // namespace

ConnectionId Wire::dial(const std::string& address, std::int64_t frame_bytes_max,
                        const std::string& listener_key) {
  auto source = std::make_unique<Source>();
  source->dialed = ++last_id_;
  source->dialing.address = address;
  source->dialing.frame_bytes_max = frame_bytes_max;
  source->dialing.listener_key = listener_key;
  source->dialing.of_worker = crowd_ > 0;
  try {
    attempt(*source);
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format("cannot dial {}: {}{}", address, error.what(),
                                     error.num() == EMFILE ? "; raise the limit on open files "
                                                             "(ulimit -n)"
                                                           : "")};
  }
  Connection& connection = connections_[source->dialed];
  connection.source = source.get();
  connection.address = address;
  dialed_.push_back(std::move(source));
  return last_id_;
}

/// Makes the socket of a new attempt, in place of the one before.
void Wire::attempt(Source& source) {
  Dialing& dialing = source.dialing;
  auto ends = std::make_unique<Ends>(context_, zmq::socket_type::dealer);
  zmq::socket_t& socket = ends->socket;
  set_up(socket, dialing.frame_bytes_max);
  set_option(socket, zmq::sockopt::ipv6, dialing.address.find('[') != std::string::npos);
  set_option(socket, zmq::sockopt::reconnect_ivl, never_again_ms);
  set_option(socket, zmq::sockopt::connect_timeout, connect_timeout_ms);
  const int silence_max_ms = static_cast<int>(silence_max_.count());
  const int ping_interval_ms = std::min(silence_max_ms / 4, ping_interval_max_ms);
  set_option(socket, zmq::sockopt::heartbeat_ivl,
             ping_interval_ms * (dialing.of_worker ? crowd_ : 1));
  // The listener's own limit is shorter, unless its host is very busy.
  const int handshake_ms = std::max(2 * silence_max_ms, 1'000);
  set_option(socket, zmq::sockopt::handshake_ivl,
             dialing.of_worker && crowd_ > 1 ? std::max(handshake_ms, workers_handshake_ms)
                                             : handshake_ms);
  if (keys_ && dialing.listener_key.empty()) {
    call_with(socket, keys_->own, keys_->master);
  } else if (keys_) {
    call_with(socket, keys_->listener, dialing.listener_key);
  }
  connect_to(socket, dialing.address);
  source.ends = std::move(ends);
  watch(source);
  source.skips = false;
  dialing.failure_told = false;
  dialing.descriptor = -1;
  dialing.file.reset();
}

std::chrono::milliseconds Wire::silence_of(const Dialing& dialing) const {
  return silence_max_ *
         (dialing.of_worker ? worker_silences * std::max(crowd_, patience_) : patience_);
}

void Wire::dialed_event(Source& source, const Monitor::Event& event) {
  Dialing& dialing = source.dialing;
  if (!dialing.next_at.is_never()) return;  // the event belongs to an attempt that is over
  const auto tell_failure = [&](bool key_refused) {
    if (std::exchange(dialing.failure_told, true)) return;
    ready_.push_back(
        {.what = Incoming::What::failed, .connection = source.dialed, .key_refused = key_refused});
  };
  switch (event.id) {
    case ZMQ_EVENT_CONNECTED:
      dialing.descriptor = event.value;
      break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      dialing.stands = true;
      dialing.file = StreamConnection::at(dialing.descriptor);
      if (dialing.file && !dialing.file->leads_to(port_of(dialing.address))) dialing.file.reset();
      dialing.pause = dialing.pause.zero();
      watch_rank(dialing.descriptor, silence_of(dialing));
      ready_.push_back({.what = Incoming::What::up,
                        .connection = source.dialed,
                        .anew = !std::exchange(dialing.first, false)});
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      tell_failure(true);
      break;
    case ZMQ_EVENT_DISCONNECTED:
      silence_.forget(dialing.descriptor);
      if (!dialing.stands) tell_failure(false);
      if (dialing.over_at.is_never()) dialing.over_at = handed_over_within;
      next_attempt_look_ = Deadline::poll();
      break;
    case ZMQ_EVENT_CONNECT_RETRIED:  // it does not retry: see never_again_ms
      dialing.over_at = Deadline::poll();
      next_attempt_look_ = Deadline::poll();
      break;
    default:
      break;
  }
}

void Wire::look_after_attempts() {
  if (!next_attempt_look_.expired()) return;
  next_attempt_look_ = Deadline::never();
  for (const auto& source : dialed_) look_after_attempt(*source);
}

void Wire::look_after_attempt(Source& source) {
  Dialing& dialing = source.dialing;
  if (dialing.next_at.expired()) {
    dialing.next_at = Deadline::never();
    try {
      attempt(source);
    } catch (const zmq::error_t&) {  // no descriptors are left, perhaps only now
      dialing.over_at = Deadline::poll();
    }
  }
  if (dialing.over_at.expired()) attempt_ended(source);
  next_attempt_look_ = next_attempt_look_.sooner(dialing.over_at).sooner(dialing.next_at);
}

/// Reports the end of an attempt. All that came over it is reported first; if that is much, it
/// takes more than one call.
void Wire::attempt_ended(Source& source) {
  Dialing& dialing = source.dialing;
  drain(source, messages_at_once);
  if (is_readable(source)) return;
  if (std::exchange(dialing.stands, false)) {
    ready_.push_back({.what = Incoming::What::down,
                      .connection = source.dialed,
                      .exited = std::exchange(connections_.at(source.dialed).exited, false)});
  }
  dialing.first = false;
  dialing.over_at = Deadline::never();
  dialing.pause = std::clamp(2 * dialing.pause, pause_first, pause_last);
  dialing.next_at = dialing.pause;
}

void Wire::hang_up_dialed(ConnectionId connection, Source& source) {
  silence_.forget(source.dialing.descriptor);
  end_dialed(source);
  connections_.erase(connection);
  std::erase(awake_, &source);
  std::erase_if(dialed_, [&](const auto& each) { return each.get() == &source; });
}

std::optional<uid_t> Wire::user_at(ConnectionId dialed) const {
  const auto found = connections_.find(dialed);
  if (found == connections_.end()) return std::nullopt;
  const auto connection = StreamConnection::at(found->second.source->dialing.descriptor);
  if (!connection || !connection->process()) return std::nullopt;
  return connection->process()->user;
}

}  // namespace rankwire::zmq_wire
