#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "calls.hpp"
#include "listener.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "wire.hpp"

// The side of a Wire that listens: who calls, over which file, and calls again.

namespace rankwire::zmq_wire {
namespace {

// Whoever dials may have been given a longer grace than whoever listens.
constexpr std::chrono::milliseconds caller_silence_least{4 * ping_each_max_ms};
// A dialer that hears its own PINGs answered needs these only where they wait behind a large frame.
constexpr int ping_callers_each_max_ms = 1000;
// All workers may call a worker at once, whose host is busy with other such handshakes; it would be
// busier if they had to be made twice.
constexpr int workers_handshake_ms = 15'000;
// Many workers may be started at once; the kernel may allow fewer.
constexpr int callers_at_once = 1024;

/// A number; over ipc, where libzmq says "localhost:USER:GROUP:PID", the process.
std::string address_of_caller(zmq::message_t& frame) {
  const char* const said = zmq_msg_gets(frame.handle(), "Peer-Address");
  if (said == nullptr) return "unknown";
  const std::string_view address = said;
  if (!address.starts_with("localhost:")) return said;
  return fmt::format("{}{}", ipc_peer_mark, address.substr(address.rfind(':') + 1));
}

}  // namespace

std::chrono::milliseconds Wire::caller_silence() const {
  return std::max(silence_max_, caller_silence_least) * std::max(crowd_, 1);
}

std::vector<std::string> Wire::listen(const std::vector<Address>& addresses, PortRange ports,
                                      bool for_all) {
  const bool is_private = std::all_of(addresses.begin(), addresses.end(),
                                      [](const Address& address) { return address.loopback; });
  piece_bytes_ = is_private ? piece_bytes_max : piece_bytes_min;
  const int ping_each_ms = static_cast<int>(silence_max_.count()) / 3;
  listen_by([&](zmq::socket_t& socket) {
    if (for_all) {
      socket.set(zmq::sockopt::heartbeat_ivl, std::min(ping_each_ms, ping_callers_each_max_ms));
    } else {
      socket.set(zmq::sockopt::handshake_ivl, workers_handshake_ms);
    }
    bound_ = bind_all(socket, addresses, ports);
  });
  return bound_;
}

void Wire::stop_listening() {
  gate_ = {};
  file_ = {};
  for (const auto& endpoint : std::exchange(bound_, {})) {
    uninterrupted([&] { listener_->socket.unbind(endpoint); });
  }
}

std::string Wire::listen_as_master(const std::string& path) {
  return listen_at(SocketFile::of_master(path, callers_at_once));
}

std::string Wire::listen_as_worker_of(const std::string& master_path) {
  return listen_at(SocketFile::of_worker(master_path, callers_at_once));
}

std::string Wire::listen_at(SocketFile&& file) {
  std::string endpoint = endpoint_text({{}, 0, file.path()});
  piece_bytes_ = piece_bytes_max;
  listen_by([&](zmq::socket_t& socket) {
    socket.set(zmq::sockopt::use_fd, file.descriptor());
    uninterrupted([&] { socket.bind(endpoint); });
    file.disown_descriptor();
  });
  file_ = std::move(file);
  bound_ = {endpoint};
  return endpoint;
}

void Wire::listen_by(const std::function<void(zmq::socket_t&)>& bind) {
  try {
    auto listener = std::make_unique<Source>(context_, zmq::socket_type::router);
    set_up(*listener, frame_bytes_max(piece_bytes_));
    listener->socket.set(zmq::sockopt::router_mandatory, true);
    listener->socket.set(zmq::sockopt::backlog, callers_at_once);
    // Who calls again may do so before the end of its old connection is noticed.
    listener->socket.set(zmq::sockopt::router_handover, true);
    guard(*listener);
    bind(listener->socket);
    listener_ = std::move(listener);
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format("cannot listen: {}", error.what())};
  }
  rebuild_poll_items();
}

/// Before the port is bound. A worker's listener needs no gatekeeper: its key is known to members
/// of the world only, and without that key there is no handshake.
void Wire::guard(Source& listener) {
  if (!keys_) return;
  if (keys_->directory.empty()) {
    serve_those_who_know(listener.socket, keys_->listener);
    return;
  }
  gatekeeper_ = std::make_unique<Gatekeeper>(context_, keys_->allowed, keys_->directory);
  serve_listed(listener.socket, keys_->own);
}

void Wire::let_in(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end() || found->second.standing != Standing::stranger) return;
  found->second.standing = Standing::waits;
  gate_.give_back(Gate::cost_of_call);
  const int descriptor = found->second.descriptor;
  doorman_.let_wait(descriptor);
  has_come(descriptor, caller_silence());
}

void Wire::listen_to(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end() || found->second.source->dialed != 0) return;
  if (found->second.standing == Standing::stranger) gate_.give_back(Gate::cost_of_call);
  found->second.standing = Standing::belongs;
  let_in_at(found->second.descriptor);
}

void Wire::bid_farewell(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end() || found->second.standing != Standing::stranger) return;
  found->second.standing = Standing::answered;
  doorman_.bid_farewell(found->second.descriptor);
}

void Wire::show_out(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end() || found->second.kept || found->second.source->dialed != 0) {
    return;
  }
  found->second.standing = Standing::ended;
  gate_.charge(Gate::cost_of_offence);
  const auto descriptor = descriptors_.find(found->second.descriptor);
  if (descriptor == descriptors_.end() || descriptor->second != caller) return;
  doorman_.forget(descriptor->first);
  silence_.forget(descriptor->first);
  if (const auto connection = StreamConnection::at(descriptor->first)) connection->end();
}

void Wire::let_in_at(int descriptor) {
  doorman_.forget(descriptor);
  has_come(descriptor, caller_silence());
}

/// A connection with a rank stands.
void Wire::has_come(int descriptor, std::chrono::milliseconds silence_max) {
  if (const auto connection = StreamConnection::at(descriptor)) connection->suit_one_host();
  silence_.watch(descriptor, silence_max);
}

void Wire::keep(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found != connections_.end()) found->second.kept = true;
  listen_to(caller);
}

std::string Wire::host_of(ConnectionId caller) const {
  const auto found = connections_.find(caller);
  return found == connections_.end() ? std::string{} : found->second.address;
}

std::optional<uid_t> Wire::user_at(ConnectionId dialed) const {
  const auto found = connections_.find(dialed);
  if (found == connections_.end()) return std::nullopt;
  const auto connection = StreamConnection::at(found->second.source->descriptor);
  if (!connection || !connection->process()) return std::nullopt;
  return connection->process()->user;
}

/// File descriptors are reused, and the events of one come in order: a new connection under the
/// number of an old one means that the old one ended.
void Wire::listener_event(const Monitor::Event& event) {
  switch (event.id) {
    case ZMQ_EVENT_LISTENING:
      gate_.guard(event.value);
      break;
    case ZMQ_EVENT_ACCEPTED:
      break_off(event.value);
      descriptors_[event.value] = 0;
      doorman_.came(event.value);
      // It sends PINGs, whatever else it says, and whether that passes or not.
      silence_.watch(event.value, caller_silence());
      gate_.charge(Gate::cost_of_call);
      break;
    case ZMQ_EVENT_DISCONNECTED:
      break_off(event.value);
      break;
    // Not FAILED_NO_DETAIL: a caller that said nothing, such as the master's probe of a worker.
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      turned_away(event);
      break;
    default:
      break;
  }
}

void Wire::turned_away(const Monitor::Event& event) {
  ++frames_dropped_;
  if (event.id == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return;  // the gatekeeper says more of it
  if (!handshakes_failed_.admits()) return;
  std::string_view who = "that does not speak ZeroMQ was turned away";
  if (event.value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) {
    who = keys_ ? "without keys was turned away: links have keys here; start it with --key and "
                  "--server-key"
                : "with keys was turned away: links have none here; start this master with --key "
                  "and --allow, or the caller without --key";
  } else if (event.value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) {
    who =
        "with a wrong server key was turned away: its --server-key is not the public key of this "
        "process";
  }
  log().warn("a caller {} ({} so far{})", who, handshakes_failed_.count(),
             handshakes_failed_.end());
}

/// The connection that `routing_id` stands for, 0 for one not to talk to; a new one is tied to its
/// file descriptor, so that its end is known by it.
ConnectionId Wire::caller_of(const zmq::message_t& routing_id, zmq::message_t& frame) {
  const std::string_view key{routing_id.data<char>(), routing_id.size()};
  const auto found = callers_.find(key);
  if (found != callers_.end()) return found->second;
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  if (descriptor < 0) return 0;  // a peer of libzmq's oldest protocols; none of ours
  const ConnectionId id = ++last_id_;
  Connection& connection = connections_[id];
  connection.source = listener_.get();
  connection.routing_id = key;
  connection.address = address_of_caller(frame);
  connection.standing = Standing::stranger;
  callers_.emplace(key, id);
  tie_to_descriptor(id, descriptor);
  return id;
}

/// From now on the end of `descriptor` is the end of the connection. Whatever had one of the two
/// before has ended, and that is told first.
void Wire::tie_to_descriptor(ConnectionId caller, int descriptor) {
  Connection& connection = connections_[caller];
  read_monitor(*listener_);  // whoever had this descriptor before is gone by these events
  const auto before = descriptors_.find(connection.descriptor);
  if (before != descriptors_.end() && before->second == caller) {
    before->second = 0;
    if (connection.descriptor != descriptor) downs_.push_back(caller);
  }
  if (std::erase(downs_, caller) > 0) {
    ready_.push_back({.what = Incoming::What::down, .connection = caller});
  }
  connection.descriptor = descriptor;
  if (connection.kept) let_in_at(descriptor);
  const auto accepted = descriptors_.find(descriptor);
  if (accepted == descriptors_.end()) {
    downs_.push_back(caller);  // it has ended already; only what it said is left
  } else {
    if (accepted->second != 0) downs_.push_back(accepted->second);
    accepted->second = caller;
  }
}

void Wire::break_off(int descriptor) {
  doorman_.forget(descriptor);
  silence_.forget(descriptor);
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end()) return;
  if (found->second != 0) downs_.push_back(found->second);
  descriptors_.erase(found);
}

}  // namespace rankwire::zmq_wire
