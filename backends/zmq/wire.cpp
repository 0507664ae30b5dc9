#include "wire.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>
#include <utility>

#include "frame.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr int sockets_max = 16'384;
// For acknowledgements of the last frames of others; what goes to a caller that has gone is dropped
// at once.
constexpr std::chrono::milliseconds listener_linger{1000};
// Below the time in which the system sends something again, it would end sound connections.
constexpr int maxrt_least_ms = 1000;
// A connection attempt into a cut must not sleep on long after the cut is mended.
constexpr int connect_timeout_ms = 2000;
constexpr int batch_messages_max = 256;
constexpr int late_yields = 4;
constexpr int waits_without_yield = 256;
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

}  // namespace

Wire::Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys)
    : silence_max_{silence_max}, keys_{std::move(keys)}, context_{make_context()} {}

Wire::~Wire() {
  file_ = {};  // while it listens, so that the path cannot be another's yet
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
  if (source.socket.get(zmq::sockopt::type) == ZMQ_DEALER) {  // the listener's libzmq answers
    socket.set(zmq::sockopt::heartbeat_ivl, std::min(silence_max_ms / 4, ping_each_max_ms));
    socket.set(zmq::sockopt::heartbeat_timeout, 0);  // Silence looks at that
    // While the program computes nobody looks, and a dead network is to be noticed all the same.
    socket.set(zmq::sockopt::tcp_maxrt, std::max(silence_max_ms, maxrt_least_ms));
  }
  // A handshake that is cut off on one side only must not use up the grace.
  socket.set(zmq::sockopt::handshake_ivl, std::max(silence_max_ms, 1'000));
  socket.set(zmq::sockopt::reconnect_ivl, 100);
  // Several attempts must fit into the grace, which is twice the silence at least.
  socket.set(zmq::sockopt::reconnect_ivl_max, std::clamp(silence_max_ms / 2, 100, 2'000));
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
  found->second.source->quiet = false;
  try {
    // Never a wait: there is no high-water mark, and libzmq's own thread comes here, too (Turns).
    constexpr auto last = zmq::send_flags::dontwait;
    constexpr auto more = last | zmq::send_flags::sndmore;
    if (found->second.source->dialed == 0) {
      socket.send(zmq::buffer(found->second.routing_id), more);
    }
    socket.send(std::move(first), chunk != nullptr ? more : last);
    if (chunk != nullptr) socket.send(std::move(*chunk), last);
    return true;
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return false;
    throw TransportError{fmt::format("send to {}: {}", found->second.address, error.what())};
  }
}

void Wire::hang_up(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (found->second.source->dialed == 0) {
    callers_.erase(found->second.routing_id);
    const auto descriptor = descriptors_.find(found->second.descriptor);
    if (descriptor != descriptors_.end() && descriptor->second == connection) {
      descriptor->second = 0;
      silence_.forget(descriptor->first);
      doorman_.came(descriptor->first);  // libzmq goes on with it
    }
  } else {
    silence_.forget(found->second.source->descriptor);
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
    silence_.look();
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
/// once, and a send may have taken note of them: so a socket that was used is asked before the
/// wait.
bool Wire::pump(Deadline deadline) {
  try {
    if (std::any_of(polled_.begin(), polled_.end(), [](Source* s) { return is_readable(*s); })) {
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

/// Gives what poll gave. Where others want the core as well, who yields may not get it back for
/// milliseconds, and one who sleeps is served at once when it wakes up: then some waits go without.
int Wire::look_and_yield() {
  if (yield_ == yield_.zero() || (waits_without_yield_ > 0 && waits_without_yield_-- > 0)) return 0;
  const auto start = Deadline::Clock::now();
  auto now = start;
  int count = 0;
  while ((count = ::poll(poll_items_.data(), poll_items_.size(), 0)) == 0 && now - start < yield_) {
    std::this_thread::yield();
    now = Deadline::Clock::now();
  }
  if (now - start > late_yields * yield_) waits_without_yield_ = waits_without_yield;
  return count;
}

bool Wire::is_readable(Source& source) {
  if (source.quiet) return false;
  source.quiet = (source.socket.get(zmq::sockopt::events) & ZMQ_POLLIN) == 0;
  return !source.quiet;
}

bool Wire::wait_and_read(Deadline deadline) {
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
  int count = deadline.is_poll() ? 0 : look_and_yield();
  if (count == 0) {
    count = ::poll(poll_items_.data(), poll_items_.size(), static_cast<int>(wait.count()));
  }
  if (count < 0 && errno != EINTR) {
    throw TransportError{fmt::format("waiting for messages: {}", std::strerror(errno))};
  }
  if (count <= 0) return false;
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (poll_items_[2 * i + 1].revents != 0) read_monitor(*polled_[i]);
  }
  for (std::size_t i = 0; i < polled_.size(); ++i) {
    if (poll_items_[2 * i].revents == 0) continue;
    polled_[i]->quiet = false;  // there may be news besides messages
    // One: a look for more would cost a system call, and is what the next pump begins with.
    read_message(*polled_[i]);
  }
  return true;
}

void Wire::read_monitor(Source& source) {
  while (const auto event = source.monitor.next()) {
    if (source.dialed == 0) {
      listener_event(*event);
    } else if (event->id == ZMQ_EVENT_CONNECTED) {
      source.descriptor = event->value;
    } else if (event->id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      source.stands = true;
      has_come(source.descriptor, silence_max_);
      if (std::erase(downs_, source.dialed) > 0) {
        ready_.push_back({.what = Incoming::What::down, .connection = source.dialed});
      }
      ready_.push_back({.what = Incoming::What::up, .connection = source.dialed});
    } else if (event->id == ZMQ_EVENT_DISCONNECTED) {
      silence_.forget(source.descriptor);
      // An attempt whose handshake fails ends, too; what was sent meanwhile is kept for the next.
      if (std::exchange(source.stands, false)) downs_.push_back(source.dialed);
    } else {
      ready_.push_back({.what = Incoming::What::failed,
                        .connection = source.dialed,
                        .key_refused = event->id == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH});
    }
  }
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
  source.quiet = false;  // more may be there, of which its descriptor has told already
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

}  // namespace rankwire::zmq_wire
