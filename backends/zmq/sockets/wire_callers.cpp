#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rankwire/backend/log.hpp"
#include "sockets/calls.hpp"
#include "sockets/wire.hpp"

// Who calls, over which file, and how that ends. (Where a Wire listens: wire_listening.cpp.)
//
// libzmq tells of the files of connections (the monitor's events) and of what was said (with the
// number of the file that it came over), one apart from the other. Numbers of files are used again.
// The events of a caller's file come before its first words. So an event that is read after those
// concerns it: its file has ended, whatever has the number now. Only of one whose number had been
// used again before its first words were read, that is not known: libzmq says so when something is
// sent to it.

namespace rankwire::zmq_wire {
namespace {

/// Hellos and links over one connection, before it belongs: each has an answer.
constexpr int words_max = 8;

/// libzmq's thread needs microseconds to hand over the last of a caller that has ended, where it
/// has a core.
constexpr std::chrono::milliseconds closed_within{2000};

/// A number; over ipc, where libzmq says "localhost:USER:GROUP:PID", the process.
std::string address_of_caller(zmq::message_t& frame) {
  const char* const said = property_of(frame, "Peer-Address");
  if (said == nullptr) return "unknown";
  const std::string_view address = said;
  if (!address.starts_with("localhost:")) return said;
  return fmt::format("{}{}", ipc_peer_mark, address.substr(address.rfind(':') + 1));
}

}  // namespace

Wire::Connection* Wire::caller_at(ConnectionId caller) {
  const auto found = connections_.find(caller);
  return found == connections_.end() || found->second.source->dialed != 0 ? nullptr
                                                                          : &found->second;
}

void Wire::now_stands(ConnectionId caller, Connection& connection, Standing standing) {
  connection.standing = standing;
  if (has_file(caller, connection)) watch_over(connection);
}

void Wire::let_in(ConnectionId caller) {
  Connection* const connection = caller_at(caller);
  if (connection == nullptr || connection->standing != Standing::stranger) return;
  gate_.give_back(Gate::cost_of_call);
  now_stands(caller, *connection, Standing::waits);
}

void Wire::listen_to(ConnectionId caller) {
  Connection* const connection = caller_at(caller);
  if (connection == nullptr) return;
  if (connection->standing == Standing::stranger) {
    gate_.give_back(Gate::cost_of_call);
  } else if (connection->standing != Standing::waits) {
    return;  // it is listened to, or was sent away
  }
  now_stands(caller, *connection, Standing::belongs);
}

void Wire::bid_farewell(ConnectionId caller) {
  Connection* const connection = caller_at(caller);
  if (connection == nullptr || connection->standing == Standing::shown_out ||
      connection->standing == Standing::hung_up) {
    return;
  }
  now_stands(caller, *connection, Standing::answered);
}

void Wire::show_out(ConnectionId caller) {
  Connection* const connection = caller_at(caller);
  if (connection == nullptr) return;
  gate_.charge(Gate::cost_of_offence);
  now_stands(caller, *connection, Standing::shown_out);
}

/// Whether the file of that number is this caller's, as far as is known: of several that had it the
/// last, where it has not ended.
bool Wire::has_file(ConnectionId caller, const Connection& connection) const {
  const auto at = accepted_.find(connection.descriptor);
  return at != accepted_.end() && !at->second.callers.empty() &&
         at->second.callers.back() == caller;
}

/// The file is watched as is due to who has it.
void Wire::watch_over(const Connection& connection) {
  const int descriptor = connection.descriptor;
  switch (connection.standing) {
    case Standing::stranger:
      watch_stranger(descriptor);
      break;
    case Standing::waits:
      doorman_.let_wait(descriptor);
      has_come(descriptor, caller_silence());
      break;
    case Standing::answered:
      doorman_.bid_farewell(descriptor);
      silence_.forget(descriptor);
      break;
    case Standing::belongs:
      doorman_.forget(descriptor);
      has_come(descriptor, caller_silence());
      break;
    case Standing::shown_out:
    case Standing::hung_up:
      break_off(descriptor);
      break;
  }
}

/// It sends PINGs, whatever else it says, and whether that passes or not.
void Wire::watch_stranger(int descriptor) {
  doorman_.came(descriptor);
  silence_.watch(descriptor, caller_silence());
}

/// A connection with a rank stands.
void Wire::has_come(int descriptor, std::chrono::milliseconds silence_max) {
  if (const auto connection = StreamConnection::at(descriptor)) connection->suit_one_host();
  silence_.watch(descriptor, silence_max);
}

/// The event that it has ended follows.
void Wire::break_off(int descriptor) {
  doorman_.forget(descriptor);
  silence_.forget(descriptor);
  const auto found = accepted_.find(descriptor);
  if (found != accepted_.end() && found->second.file) found->second.file->end();
}

std::string Wire::host_of(ConnectionId caller) const {
  const auto found = connections_.find(caller);
  return found == connections_.end() ? std::string{} : found->second.address;
}

std::optional<StreamConnection> Wire::file_of_caller(int descriptor) const {
  const auto file = StreamConnection::at(descriptor);
  const bool is_its = file && std::any_of(bound_.begin(), bound_.end(), [&](const auto& endpoint) {
                        return file->came_to(port_of(endpoint));
                      });
  return is_its ? file : std::nullopt;
}

void Wire::listener_event(const Monitor::Event& event) {
  const int descriptor = event.value;
  switch (event.id) {
    case ZMQ_EVENT_LISTENING:
      gate_.guard(descriptor);
      break;
    case ZMQ_EVENT_ACCEPTED:
      ended_at(descriptor);
      accepted_[descriptor].file = file_of_caller(descriptor);
      watch_stranger(descriptor);
      gate_.charge(Gate::cost_of_call);
      break;
    case ZMQ_EVENT_DISCONNECTED:
      if (!std::exchange(hung_up_in_handshake_, false)) note_wordless(descriptor);
      ended_at(descriptor);
      break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      ++handshakes_done_;
      break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:  // such as the master's probe of a worker
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:       // the gatekeeper says more of it
      hung_up_in_handshake_ = true;             // of the file whose end follows at once
      break;
    default:
      break;
  }
}

/// A file has ended of which nothing was read. Where no handshake is unaccounted for, its own was
/// refused. (libzmq would say so, and why, by an event that cannot be listened to: see Monitor.)
/// Else it may be one that spoke and ended while this program computed.
void Wire::note_wordless(int descriptor) {
  const auto found = accepted_.find(descriptor);
  if (found == accepted_.end() || !found->second.callers.empty()) return;
  if (handshakes_done_ > 0) {
    --handshakes_done_;
    return;
  }
  ++frames_dropped_;
  if (!handshakes_failed_.admits()) return;
  log().warn(
      "a caller did not come through the handshake ({} so far{}): {}", handshakes_failed_.count(),
      handshakes_failed_.end(),
      keys_ ? "links have keys here, and it has none or a wrong one; start it with --key, and with "
              "the public key of this process as --server-key"
            : "links have no keys here, and it has one or does not speak ZeroMQ; start this master "
              "with --key and --allow, or the caller without --key");
}

/// Whether that is to be given out; what a stranger may not say ends its connection.
bool Wire::is_heard(ConnectionId caller, const std::optional<Header>& header) {
  if (caller == 0) {
    ++frames_dropped_;
    return false;
  }
  Connection& connection = connections_.at(caller);
  connection.read_before = listener_->read;
  if (!header) {
    count_dropped(caller, "not a message of rankwire");
    return false;
  }
  const bool is_word = header->kind == Kind::hello || header->kind == Kind::link;
  switch (connection.standing) {
    case Standing::belongs:
      return true;
    case Standing::hung_up:
      return false;
    case Standing::answered:
    case Standing::shown_out:
      ++frames_dropped_;
      gate_.charge(Gate::cost_of_frame);
      return false;
    case Standing::stranger:
    case Standing::waits:
      if (is_word && ++connection.words <= words_max) {
        word_waits_ = true;
        return true;
      }
      count_dropped(caller,
                    is_word ? "it says who it is again and again" : "it has not said who it is");
      show_out(caller);
      return false;
  }
  return false;
}

/// The connection that `routing_id` stands for; 0 for one not to talk to.
ConnectionId Wire::caller_of(const zmq::message_t& routing_id, zmq::message_t& frame) {
  const std::string_view key{routing_id.data<char>(), routing_id.size()};
  const auto found = callers_.find(key);
  if (found != callers_.end()) return found->second;
  const int descriptor = descriptor_of(frame);
  if (descriptor < 0) return 0;  // a peer of libzmq's oldest protocols; none of ours
  read_monitor(*listener_);      // see the head of this file
  const ConnectionId id = ++last_id_;
  Connection& connection = connections_[id];
  connection.source = listener_.get();
  connection.routing_id = key;
  connection.address = address_of_caller(frame);
  connection.standing = Standing::stranger;
  connection.descriptor = descriptor;
  callers_.emplace(key, id);
  const auto accepted = accepted_.find(descriptor);
  if (accepted == accepted_.end()) {
    downs_.push_back(id);  // it has ended already; only what it said is left
  } else {
    if (accepted->second.callers.empty()) handshakes_done_ = std::max(handshakes_done_ - 1, 0);
    accepted->second.callers.push_back(id);
  }
  return id;
}

/// The file of that number has ended, and with it whoever may have had it.
void Wire::ended_at(int descriptor) {
  doorman_.forget(descriptor);
  silence_.forget(descriptor);
  const auto found = accepted_.find(descriptor);
  if (found == accepted_.end()) return;
  downs_.insert(downs_.end(), found->second.callers.begin(), found->second.callers.end());
  accepted_.erase(found);
}

/// libzmq knows a caller no more. Where its file seems to stand, that is another's by now.
void Wire::has_ended(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end()) return;
  const int descriptor = found->second.descriptor;
  const auto at = accepted_.find(descriptor);
  if (at == accepted_.end()) return;  // that it ended is known
  auto& callers = at->second.callers;
  const bool had_file = has_file(caller, found->second);
  if (std::erase(callers, caller) == 0) return;
  downs_.push_back(caller);
  if (!had_file) return;
  if (callers.empty()) {
    watch_stranger(descriptor);
  } else {
    watch_over(connections_.at(callers.back()));
  }
}

/// All that came over a connection is given out before its end. Where others have much to say, that
/// takes more than one call.
void Wire::emit_downs() {
  if (downs_.empty()) return;
  if (!word_waits_) drain(*listener_, messages_at_once);
  std::erase_if(downs_, [this](ConnectionId id) { return emit_down(id); });
}

/// False: not all that came before may have been read. libzmq takes its callers in turn, so one
/// that was passed over for long enough has nothing more.
bool Wire::emit_down(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return true;
  Connection& connection = found->second;
  const Source& source = *listener_;
  if (!connection.closed) {
    if (connection.closed_by.is_never()) connection.closed_by = closed_within;
    connection.closed = is_closed(connection) || connection.closed_by.expired();
    connection.read_before = source.read;
    connection.sweeps_before = source.sweeps;
    return false;
  }
  const bool all_read = source.sweeps >= connection.sweeps_before + 2 ||
                        source.read - connection.read_before > reads_of_a_sweep();
  if (!all_read) return false;
  if (connection.standing != Standing::hung_up) {
    ready_.push_back({.what = Incoming::What::down, .connection = id, .exited = connection.exited});
  }
  callers_.erase(connection.routing_id);
  connections_.erase(found);
  return true;
}

/// Of a caller that has ended: whether libzmq knows that, and so has handed over all that it said.
/// What is sent to one that has ended is read by nobody.
bool Wire::is_closed(const Connection& connection) const {
  const std::string& id = connection.routing_id;
  listener_->quiet = false;  // a send takes note of what has come
  try {
    send_part(listener_->socket(), zmq::message_t{id.data(), id.size()}, true);
    send_part(listener_->socket(), zmq::message_t{}, false);
    return false;
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return true;
    throw;
  }
}

}  // namespace rankwire::zmq_wire
