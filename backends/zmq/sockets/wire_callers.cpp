#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rankwire/backend/log.hpp"
#include "sockets/calls.hpp"
#include "sockets/wire.hpp"

// Callers: over which file they call, and how their connections end. (Where a Wire listens:
// wire_listening.cpp.)
//
// libzmq reports two things separately: the files of connections (events of the monitor), and
// frames (each with the descriptor over which it came). Descriptors are used again. The events of a
// caller's file before its first frame precede that frame. So an event for the descriptor that is
// read after the first frame concerns that caller: its file has ended, whatever has the descriptor
// now. One case remains: the descriptor was used again before the first frame of its earlier caller
// was read. Then libzmq says that the caller has ended when something is sent to it.

namespace rankwire::zmq_wire {
namespace {

/// A caller may send this many hellos and links before it belongs. Each has an answer.
constexpr int words_max = 8;

/// When a caller has ended, libzmq's thread needs microseconds to hand over its last frames, if it
/// has a core. After this time the caller counts as closed in any case.
constexpr std::chrono::milliseconds closed_within{2000};

/// The caller's numeric address. Over ipc, where libzmq says "localhost:USER:GROUP:PID", its
/// process.
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
    return;  // it belongs already, or was sent away
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

/// Whether the descriptor of the caller is still its own, as far as is known: it is if the caller
/// is the last that had it, and its file has not ended.
bool Wire::has_file(ConnectionId caller, const Connection& connection) const {
  const auto at = accepted_.find(connection.descriptor);
  return at != accepted_.end() && !at->second.callers.empty() &&
         at->second.callers.back() == caller;
}

/// Sets who watches the file of a caller (Doorman, Silence), by the caller's standing.
void Wire::watch_over(const Connection& connection) {
  const int descriptor = connection.descriptor;
  switch (connection.standing) {
    case Standing::stranger:
      watch_stranger(descriptor);
      break;
    case Standing::waits:
      doorman_.let_wait(descriptor);
      watch_rank(descriptor, caller_silence());
      break;
    case Standing::answered:
      doorman_.bid_farewell(descriptor);
      silence_.forget(descriptor);
      break;
    case Standing::belongs:
      doorman_.forget(descriptor);
      watch_rank(descriptor, caller_silence());
      break;
    case Standing::shown_out:
    case Standing::hung_up:
      end_file(descriptor);
      break;
  }
}

/// Watches a stranger. It sends PINGs, whatever else it does, and whether its frames pass or not.
void Wire::watch_stranger(int descriptor) {
  doorman_.came(descriptor);
  silence_.watch(descriptor, caller_silence());
}

/// Watches the connection of a rank, or of one that waits to be one.
void Wire::watch_rank(int descriptor, std::chrono::milliseconds silence_max) {
  if (const auto connection = StreamConnection::at(descriptor)) connection->suit_one_host();
  silence_.watch(descriptor, silence_max);
}

/// Ends the file of a caller. libzmq's event that it has ended follows.
void Wire::end_file(int descriptor) {
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
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:  // for example, the master probes a worker
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:       // the gatekeeper logs it
      hung_up_in_handshake_ = true;             // the end of this file follows at once
      break;
    default:
      break;
  }
}

/// Handles a file that has ended and of which nothing was read. If no handshake is unaccounted for,
/// its own was refused. (libzmq would report that with the reason, by an event that must not be
/// listened to: see Monitor.) If one is, this file may have spoken and ended while the program
/// computed.
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
      keys_
          ? "links have keys here, and it has none or a wrong one; start it with --key, and with "
            "the public key of this process as --server-key"
          : "links have no keys here; if it has one, start this master with --key and --allow, or "
            "the caller without --key; else it does not speak ZeroMQ, or is too busy");
}

/// Whether receive() is to return this frame. Shows a stranger out that sends what it may not send.
bool Wire::is_heard(ConnectionId caller, const std::optional<Header>& header) {
  if (caller == 0) {
    ++frames_dropped_;
    return false;
  }
  Connection& connection = connections_.at(caller);
  connection.read_before = listener_->read;
  connection.sweeps_before = listener_->sweeps;
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
        word_unanswered_ = true;
        return true;
      }
      count_dropped(caller,
                    is_word ? "it says who it is again and again" : "it has not said who it is");
      show_out(caller);
      return false;
  }
  return false;
}

/// The connection that has `routing_id`. Made if it is new. 0 for a peer that is not to be talked
/// to.
ConnectionId Wire::caller_of(const zmq::message_t& routing_id, zmq::message_t& frame) {
  const std::string_view key{routing_id.data<char>(), routing_id.size()};
  const auto found = callers_.find(key);
  if (found != callers_.end()) return found->second;
  const int descriptor = descriptor_of(frame);
  if (descriptor < 0) return 0;  // a peer that uses libzmq's oldest protocols, so none of ours
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
    downs_.push_back(id);  // it has ended already; only its frames are left
  } else {
    if (accepted->second.callers.empty()) handshakes_done_ = std::max(handshakes_done_ - 1, 0);
    accepted->second.callers.push_back(id);
  }
  return id;
}

/// The file with this descriptor has ended, and with it all callers that have had it.
void Wire::ended_at(int descriptor) {
  doorman_.forget(descriptor);
  silence_.forget(descriptor);
  const auto found = accepted_.find(descriptor);
  if (found == accepted_.end()) return;
  downs_.insert(downs_.end(), found->second.callers.begin(), found->second.callers.end());
  accepted_.erase(found);
}

/// libzmq says that a caller has ended. If its file seems to stand, the file is another's by now.
void Wire::has_ended(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found == connections_.end()) return;
  const int descriptor = found->second.descriptor;
  const auto at = accepted_.find(descriptor);
  if (at == accepted_.end()) return;  // its end is known already
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

/// Reports the callers that have ended. All frames of a connection are reported before its end, so
/// if others send much, this takes more than one call.
void Wire::emit_downs() {
  if (downs_.empty()) return;
  if (!word_unanswered_) drain(*listener_, messages_at_once);
  std::erase_if(downs_, [this](ConnectionId id) { return emit_down(id); });
}

/// Reports the end of a caller. Returns false if some of its frames may not have been read yet.
/// libzmq reads its callers in turn, so a caller that was passed over for long enough has no more
/// frames.
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

/// Whether libzmq knows that a caller has ended, and so has handed over all its frames. Tries it
/// with an empty frame, which nobody reads.
bool Wire::is_closed(const Connection& connection) {
  const std::string& id = connection.routing_id;
  wake(*listener_);  // a send may consume the report of what has come
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
