#include "wire.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "listener.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr int sockets_max = 16'384;
// For acknowledgements of the last frames of others; what goes to a caller that has gone is dropped
// at once.
constexpr std::chrono::milliseconds listener_linger{1000};
// Whoever dials may have been given a longer grace than whoever listens.
constexpr int heartbeat_each_max_ms = 500;
constexpr std::chrono::milliseconds caller_silence_least{4 * heartbeat_each_max_ms};
// A connection attempt into a cut must not sleep on long after the cut is mended.
constexpr int connect_timeout_ms = 2000;
// Many workers may be started at once; the kernel may allow fewer.
constexpr int callers_at_once = 1024;
constexpr int batch_messages_max = 256;
constexpr int handshakes_logged_max = 10;
constexpr int drops_logged_max = 20;
// A signal that comes just before a wait begins must not be missed for long.
constexpr std::chrono::milliseconds look_for_signals_each{100};

zmq::context_t make_context() {
  // A connection is a file: a master of many workers needs more than the usual soft limit.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  zmq::context_t context{1};
  context.set(zmq::ctxopt::max_sockets, sockets_max);
  return context;
}

/// Under which a caller is known again after its connection broke; nobody else can guess it.
std::string random_routing_id() {
  std::random_device device;
  std::string id(16, '\0');
  for (char& byte : id) byte = static_cast<char>(device());
  id.front() |= 1;  // libzmq gives out ids that begin with a zero
  return id;
}

std::string_view text_of(const zmq::message_t& message) {
  return {message.data<char>(), message.size()};
}

}  // namespace

Wire::Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys)
    : silence_max_{silence_max},
      keys_{std::move(keys)},
      context_{make_context()},
      doorman_{{.silence = std::max(silence_max, caller_silence_least)}} {}

Wire::~Wire() {
  const auto set_linger = [](Source& source, std::chrono::milliseconds linger) {
    const int linger_ms = static_cast<int>(linger.count());
    zmq_setsockopt(source.socket.handle(), ZMQ_LINGER, &linger_ms, sizeof linger_ms);
  };
  if (listener_) set_linger(*listener_, listener_linger);
  for (const auto& source : dialed_) set_linger(*source, linger_);
  dialed_.clear();
  listener_.reset();
  gatekeeper_.reset();
  try {
    context_.close();  // waits for the lingering sockets
  } catch (const zmq::error_t&) {
  }
}

void Wire::set_up(Source& source, std::int64_t frame_bytes_max) const {
  const int silence_max_ms = static_cast<int>(silence_max_.count());
  auto& socket = source.socket;
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);  // hang_up; the destructor sets its own
  socket.set(zmq::sockopt::maxmsgsize, frame_bytes_max);
  if (source.socket.get(zmq::sockopt::type) == ZMQ_DEALER) {  // for the listener see Doorman
    socket.set(zmq::sockopt::heartbeat_ivl, std::min(silence_max_ms / 4, heartbeat_each_max_ms));
    socket.set(zmq::sockopt::heartbeat_timeout, silence_max_ms);
  }
  // (TCP_NOTSENT_LOWAT on dialed connections, to let heartbeats pass on slow links, left some of
  // them hanging after a cut.)
  // A handshake that is cut off on one side only must not use up the grace.
  socket.set(zmq::sockopt::handshake_ivl, std::max(silence_max_ms, 1'000));
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  // Several attempts must fit into the grace, which is twice the silence at least.
  socket.set(zmq::sockopt::reconnect_ivl_max, std::clamp(silence_max_ms / 2, 100, 2'000));
}

std::vector<std::string> Wire::listen(const std::vector<Address>& addresses, PortRange ports) {
  std::vector<std::string> bound;
  try {
    auto listener = std::make_unique<Source>(context_, zmq::socket_type::router);
    set_up(*listener, stranger_frame_bytes_max);
    listener->socket.set(zmq::sockopt::router_mandatory, true);
    listener->socket.set(zmq::sockopt::backlog, callers_at_once);
    // Who calls again may do so before the end of its old connection is noticed.
    listener->socket.set(zmq::sockopt::router_handover, true);
    guard(*listener);
    bound = bind_all(listener->socket, addresses, ports);
    listener_ = std::move(listener);
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format("cannot listen: {}", error.what())};
  }
  rebuild_poll_items();
  return bound;
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

ConnectionId Wire::dial(const std::string& address, std::int64_t frame_bytes_max,
                        const std::string& listener_key) {
  try {
    auto source = std::make_unique<Source>(context_, zmq::socket_type::dealer);
    set_up(*source, frame_bytes_max);
    source->socket.set(zmq::sockopt::ipv6, address.find('[') != std::string::npos);
    source->socket.set(zmq::sockopt::routing_id, random_routing_id());
    source->socket.set(zmq::sockopt::connect_timeout, connect_timeout_ms);
    if (keys_ && listener_key.empty()) {
      call_with(source->socket, keys_->own, keys_->master);
    } else if (keys_) {
      call_with(source->socket, keys_->listener, listener_key);
    }
    source->socket.connect(address);
    source->dialed = ++last_id_;
    connections_[source->dialed] = {source.get(), {}, address};
    dialed_.push_back(std::move(source));
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format("cannot dial {}: {}{}", address, error.what(),
                                     error.num() == EMFILE ? "; raise the limit on open files "
                                                             "(ulimit -n)"
                                                           : "")};
  }
  rebuild_poll_items();
  return last_id_;
}

void Wire::rebuild_poll_items() {
  poll_items_.clear();
  polled_.clear();
  const auto add = [this](Source& source) {
    poll_items_.push_back({source.socket.get(zmq::sockopt::fd), POLLIN, 0});
    poll_items_.push_back({source.monitor.socket().get(zmq::sockopt::fd), POLLIN, 0});
    polled_.push_back(&source);
  };
  if (listener_) add(*listener_);
  for (const auto& source : dialed_) add(*source);
}

bool Wire::send(ConnectionId to, const Header& header, std::span<const std::byte> body) {
  return send(to, frame_of(header, body), nullptr);
}

bool Wire::send(ConnectionId to, zmq::message_t&& first, zmq::message_t* chunk) {
  const auto found = connections_.find(to);
  if (found == connections_.end()) return false;
  auto& socket = found->second.source->socket;
  try {
    if (found->second.source->dialed == 0) {
      socket.send(zmq::buffer(found->second.routing_id), zmq::send_flags::sndmore);
    }
    socket.send(std::move(first),
                chunk != nullptr ? zmq::send_flags::sndmore : zmq::send_flags::none);
    if (chunk != nullptr) socket.send(std::move(*chunk), zmq::send_flags::none);
    return true;
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return false;
    throw TransportError{fmt::format("send to {}: {}", found->second.address, error.what())};
  }
}

void Wire::let_in(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found != connections_.end()) doorman_.let_in(found->second.descriptor);
}

void Wire::keep(ConnectionId caller) {
  const auto found = connections_.find(caller);
  if (found != connections_.end()) found->second.kept = true;
  let_in(caller);
}

std::string Wire::host_of(ConnectionId caller) const {
  const auto found = connections_.find(caller);
  return found == connections_.end() ? std::string{} : found->second.address;
}

void Wire::hang_up(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (found->second.source->dialed == 0) {
    callers_.erase(found->second.routing_id);
    const auto descriptor = descriptors_.find(found->second.descriptor);
    if (descriptor != descriptors_.end() && descriptor->second == connection) {
      descriptor->second = 0;
      doorman_.came(descriptor->first);  // libzmq goes on with it
    }
  } else {
    std::erase_if(dialed_, [&](const auto& source) { return source->dialed == connection; });
    rebuild_poll_items();
  }
  connections_.erase(found);
  std::erase_if(ready_, [&](const Incoming& in) { return in.connection == connection; });
}

std::optional<Incoming> Wire::receive(Deadline deadline) {
  while (ready_.empty()) {
    if (interruptible_) check_interrupted();
    frames_dropped_ += doorman_.look();
    if (!pump(deadline.sooner(look_for_signals_each)) && deadline.expired()) return std::nullopt;
  }
  Incoming next = std::move(ready_.front());
  ready_.pop_front();
  return next;
}

/// Waits until something can be read or the deadline has passed, and reads it. Monitors first, so
/// that an ended connection is known; then data; then the ends are given out, behind their data.
///
/// Not zmq::poll, which makes three times the system calls. A socket's descriptor tells of news
/// once, and a send may have taken note of them: so the socket is asked before the wait.
bool Wire::pump(Deadline deadline) {
  const auto readable = [](const Source* source) {
    return (source->socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
  };
  try {
    if (std::any_of(polled_.begin(), polled_.end(), readable)) {
      for (Source* const source : polled_) read_monitor(*source);
      for (Source* const source : polled_) drain(*source, batch_messages_max);
    } else if (!wait_and_read(deadline)) {
      return false;
    }
    emit_downs();
    return true;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return false;
    throw TransportError{fmt::format("waiting for messages: {}", error.what())};
  }
}

bool Wire::wait_and_read(Deadline deadline) {
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
  const int count = ::poll(poll_items_.data(), poll_items_.size(), static_cast<int>(wait.count()));
  if (count < 0 && errno != EINTR) {
    throw TransportError{fmt::format("waiting for messages: {}", std::strerror(errno))};
  }
  if (count <= 0) return false;
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (poll_items_[2 * i + 1].revents != 0) read_monitor(*polled_[i]);
  }
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    // One: a look for more would cost a system call, and is what the next pump begins with.
    if (poll_items_[2 * i].revents != 0) read_message(*polled_[i]);
  }
  return true;
}

void Wire::read_monitor(Source& source) {
  while (const auto event = source.monitor.next()) {
    if (source.dialed == 0) {
      listener_event(*event);
    } else if (event->id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      source.stands = true;
      if (std::erase(downs_, source.dialed) > 0) {
        ready_.push_back({.what = Incoming::What::down, .connection = source.dialed});
      }
      ready_.push_back({.what = Incoming::What::up, .connection = source.dialed});
    } else if (event->id == ZMQ_EVENT_DISCONNECTED) {
      // An attempt whose handshake fails ends, too; what was sent meanwhile is kept for the next.
      if (std::exchange(source.stands, false)) downs_.push_back(source.dialed);
    } else {
      ready_.push_back({.what = Incoming::What::failed,
                        .connection = source.dialed,
                        .key_refused = event->id == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH});
    }
  }
}

/// File descriptors are reused, and the events of one come in order: a new connection under the
/// number of an old one means that the old one ended.
void Wire::listener_event(const Monitor::Event& event) {
  switch (event.id) {
    case ZMQ_EVENT_ACCEPTED:
      break_off(event.value);
      descriptors_[event.value] = 0;
      doorman_.came(event.value);
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
  if (++handshakes_failed_ > handshakes_logged_max) return;
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
  log().warn("a caller {} ({} so far{})", who, handshakes_failed_,
             handshakes_failed_ == handshakes_logged_max ? "; more are only counted" : "");
}

void Wire::drain(Source& source, int messages_max) {
  while (messages_max-- > 0 && read_message(source)) {
  }
}

/// Reads one message, if there is one, and puts it into ready_ if it is one of ours.
bool Wire::read_message(Source& source) {
  zmq::message_t routing_id;
  Incoming in;
  auto& socket = source.socket;
  const bool called = source.dialed == 0;
  if (called && !socket.recv(routing_id, zmq::recv_flags::dontwait)) return false;
  if (!socket.recv(in.first, zmq::recv_flags::dontwait)) return false;
  in.connection = called ? caller_of(routing_id, in.first) : source.dialed;
  bool more = in.first.more();
  if (more) {
    (void)socket.recv(in.chunk, zmq::recv_flags::dontwait);
    in.has_chunk = true;
    more = in.chunk.more();
  }
  for (zmq::message_t rest; more; more = rest.more()) {
    in.has_chunk = false;  // more frames than any message of ours has
    in.first.rebuild();
    (void)socket.recv(rest, zmq::recv_flags::dontwait);
  }
  const auto header = header_of({in.first.data<std::byte>(), in.first.size()});
  if (!header || in.connection == 0) {
    drop(in.connection, "not a message of rankwire");
    return true;
  }
  // A caller that calls again says so by one of these.
  if (called && (header->kind == Kind::hello || header->kind == Kind::link)) {
    tie_to_descriptor(in.connection, zmq_msg_get(in.first.handle(), ZMQ_SRCFD));
  }
  in.header = *header;
  ready_.push_back(std::move(in));
  return true;
}

/// The connection that `routing_id` stands for, 0 for one not to talk to; a new one is tied to its
/// file descriptor, so that its end is known by it.
ConnectionId Wire::caller_of(const zmq::message_t& routing_id, zmq::message_t& frame) {
  std::string key{text_of(routing_id)};
  const auto found = callers_.find(key);
  if (found != callers_.end()) return found->second;
  const int descriptor = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
  if (descriptor < 0) return 0;  // a peer of libzmq's oldest protocols; none of ours
  const ConnectionId id = ++last_id_;
  const char* const address = zmq_msg_gets(frame.handle(), "Peer-Address");
  connections_[id] = {listener_.get(), key, address != nullptr ? address : "unknown"};
  callers_.emplace(std::move(key), id);
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
  if (connection.kept) doorman_.let_in(descriptor);
  const auto accepted = descriptors_.find(descriptor);
  if (accepted == descriptors_.end()) {
    downs_.push_back(caller);  // it has ended already; only what it said is left
  } else {
    if (accepted->second != 0) downs_.push_back(accepted->second);
    accepted->second = caller;
  }
}

void Wire::break_off(int descriptor) {
  doorman_.gone(descriptor);
  const auto found = descriptors_.find(descriptor);
  if (found == descriptors_.end()) return;
  if (found->second != 0) downs_.push_back(found->second);
  descriptors_.erase(found);
}

void Wire::emit_downs() {
  while (!downs_.empty()) {
    for (const ConnectionId id : std::exchange(downs_, {})) emit_down(id);
  }
}

/// All that came over the connection is given out before its end.
void Wire::emit_down(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Source& source = *found->second.source;
  while (read_message(source)) {
  }
  const auto still = connections_.find(id);
  if (still == connections_.end()) return;
  Connection& connection = still->second;
  if (source.dialed == 0) {
    // It may have called again meanwhile.
    const auto descriptor = descriptors_.find(connection.descriptor);
    if (descriptor != descriptors_.end() && descriptor->second == id) return;
    connection.descriptor = -1;
    if (!connection.kept) {
      callers_.erase(connection.routing_id);
      connections_.erase(still);
    }
  }
  ready_.push_back({.what = Incoming::What::down, .connection = id});
}

void Wire::drop(ConnectionId connection, std::string_view why) {
  ++frames_dropped_;
  const auto found = connections_.find(connection);
  if (found == connections_.end() || found->second.drop_logged) return;
  found->second.drop_logged = true;
  if (++drops_logged_ > drops_logged_max) return;
  log().warn("dropped a frame from {}: {} (more from there are only counted{})",
             found->second.address, why,
             drops_logged_ == drops_logged_max ? ", and from anywhere else" : "");
}

zmq::message_t frame_of(const Header& header, std::span<const std::byte> body) {
  zmq::message_t frame{Header::wire_bytes + body.size()};
  const HeaderBytes head = to_bytes(header);
  std::memcpy(frame.data(), head.data(), head.size());
  if (!body.empty()) std::memcpy(frame.data<std::byte>() + head.size(), body.data(), body.size());
  return frame;
}

}  // namespace rankwire::zmq_wire
