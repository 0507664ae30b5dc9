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

#include "calls.hpp"
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
// With all to all there are many connections on each host, and their PINGs alone may keep it busy.
constexpr int ranks_few = 24;
// A worker's listener sends no PINGs by itself: the answer to one that waits behind a piece comes
// late.
constexpr int worker_silences = 3;
// Below the time in which the system sends something again, it would end sound connections.
constexpr int maxrt_least_ms = 1000;
// A connection attempt into a cut must not sleep on long after the cut is mended.
constexpr int connect_timeout_ms = 2000;
constexpr int batch_messages_max = 256;
constexpr int frames_skipped_at_once = 256;
// Hellos and links over one connection, before it belongs: each has an answer.
constexpr int words_max = 8;
// Others may speak for as long as they like: a wait whose deadline has passed ends after that.
constexpr std::chrono::milliseconds late_max{5};
constexpr std::uint64_t turns_a_sweep = 2, turns_besides = 64;
constexpr int late_yields = 4;
constexpr int waits_without_yield = 256;
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
  const bool dials = socket.get(zmq::sockopt::type) == ZMQ_DEALER;
  if (dials) {
    const int ping_each_ms = std::min(silence_max_ms / 4, ping_each_max_ms);
    socket.set(zmq::sockopt::heartbeat_ivl, ping_each_ms * std::max(crowd_, 1));
  }
  socket.set(zmq::sockopt::heartbeat_timeout, 0);  // Silence looks at that
  // While the program computes nobody looks, and a dead network is to be noticed all the same.
  socket.set(zmq::sockopt::tcp_maxrt, std::max(silence_max_ms, maxrt_least_ms));
  // A handshake that is cut off on one side only must not use up the grace.
  socket.set(zmq::sockopt::handshake_ivl, std::max((dials ? 2 : 1) * silence_max_ms, 1'000));
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
    uninterrupted([&] { source->socket.connect(address); });
    source->dialed = ++last_id_;
    source->of_worker = crowd_ > 0;
    Connection& connection = connections_[source->dialed];
    connection.source = source.get();
    connection.address = address;
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

void Wire::expect_workers(int ranks) {
  crowd_ = std::max(1, ranks / ranks_few);
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
    if (found->second.source->dialed == 0) {
      const std::string& id = found->second.routing_id;
      send_part(socket, zmq::message_t{id.data(), id.size()}, true);
    }
    send_part(socket, std::move(first), chunk != nullptr);
    if (chunk != nullptr) send_part(socket, std::move(*chunk), false);
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

void Wire::look_after_strangers() {
  const auto shown_out = doorman_.look(listener_ ? listener_->sweeps : 0);
  frames_dropped_ += shown_out;
  gate_.charge(static_cast<double>(shown_out) * Gate::cost_of_stay);
  gate_.look();
}

std::optional<Incoming> Wire::receive(Deadline deadline) {
  Deadline at_last = Deadline::never();
  while (ready_.empty()) {
    word_waits_ = false;
    if (interruptible_) check_interrupted();
    look_after_strangers();
    silence_.look();
    const bool any = pump(deadline.sooner(look_for_signals_each).sooner(doorman_.next_look()));
    if (!ready_.empty() || !deadline.expired()) continue;
    if (!any || at_last.expired()) return std::nullopt;
    if (at_last.is_never()) at_last = late_max;
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
    if (!downs_.empty() ||
        std::any_of(polled_.begin(), polled_.end(), [](Source* s) { return is_readable(*s); })) {
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
  const int events = uninterrupted([&] { return source.socket.get(zmq::sockopt::events); });
  source.quiet = (events & ZMQ_POLLIN) == 0;
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
  // A message without an end is never to be read, and those who say it are to be found out.
  if (count >= 0 && listener_ && poll_items_[0].revents == 0) note_sweep(*listener_, 2);
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
      has_come(source.descriptor,
               source.of_worker ? worker_silences * silence_max_ * crowd_ : silence_max_);
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
    if (word_waits_ && source.dialed == 0) return;
  }
}

void Wire::note_sweep(Source& source, std::uint64_t count) {
  source.sweeps += count;
  source.read_since_sweep = 0;
}

/// Throws away what a message has behind the frames that one of ours may have, so much at a time;
/// false while there is more of it.
bool Wire::skip_rest(Source& source) {
  zmq::message_t rest;
  for (int frame = 0; source.skips; ++frame) {
    if (frame == frames_skipped_at_once) return false;
    source.skips = receive_part(source.socket, rest) && rest.more();
  }
  return true;
}

/// Whether that is to be given out; what a stranger may not say ends its connection.
bool Wire::is_heard(ConnectionId caller, const std::optional<Header>& header) {
  if (!header || caller == 0) {
    drop(caller, "not a message of rankwire");
    return false;
  }
  Connection& connection = connections_.at(caller);
  const bool is_word = header->kind == Kind::hello || header->kind == Kind::link;
  switch (connection.standing) {
    case Standing::belongs:
      return true;
    case Standing::answered:
    case Standing::ended:
      ++frames_dropped_;
      gate_.charge(Gate::cost_of_frame);
      return false;
    case Standing::stranger:
    case Standing::waits:
      if (is_word && ++connection.words <= words_max) {
        word_waits_ = true;
        return true;
      }
      drop(caller, is_word ? "it says who it is again and again" : "it has not said who it is");
      show_out(caller);
      return false;
  }
  return false;
}

/// Reads one message, if there is one, and puts it into ready_ if it is one of ours.
bool Wire::read_message(Source& source) {
  zmq::message_t routing_id;
  Incoming in;
  auto& socket = source.socket;
  const bool called = source.dialed == 0;
  if (!skip_rest(source)) return true;
  if (!receive_part(socket, called ? routing_id : in.first)) {
    note_sweep(source, 2);
    return false;
  }
  if (called && !receive_part(socket, in.first)) return false;
  source.quiet = false;  // more may be there, of which its descriptor has told already
  in.connection = called ? caller_of(routing_id, in.first) : source.dialed;
  // A sweep is over when each connection has had its turn twice; it may have begun before.
  if (called && ++source.read_since_sweep >
                    turns_a_sweep * (descriptors_.size() + callers_.size()) + turns_besides) {
    note_sweep(source, 1);
  }
  bool more = in.first.more();
  if (more) {
    (void)receive_part(socket, in.chunk);
    in.has_chunk = true;
    more = in.chunk.more();
  }
  if (more) {  // than any message of ours has
    in.has_chunk = false;
    in.first.rebuild();
    source.skips = true;
    (void)skip_rest(source);
  }
  const auto header = header_of({in.first.data<std::byte>(), in.first.size()});
  if (!called && !header) drop(in.connection, "not a message of rankwire");
  if (called ? !is_heard(in.connection, header) : !header) return true;
  // A caller that calls again says so by one of these.
  if (called && (header->kind == Kind::hello || header->kind == Kind::link)) {
    tie_to_descriptor(in.connection, zmq_msg_get(in.first.handle(), ZMQ_SRCFD));
  }
  in.header = *header;
  ready_.push_back(std::move(in));
  return true;
}

/// All that came over a connection is given out before its end. Where others have much to say, that
/// takes more than one call.
void Wire::emit_downs() {
  if (downs_.empty()) return;
  const auto downs = std::exchange(downs_, {});
  for (const ConnectionId id : downs) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    std::uint64_t& sweep = found->second.down_at_sweep;
    if (sweep == 0) sweep = found->second.source->sweeps + 2;
    if (found->second.source->dialed != 0) drain(*found->second.source, batch_messages_max);
  }
  if (listener_ && !word_waits_) drain(*listener_, batch_messages_max);
  for (const ConnectionId id : downs) {
    if (!emit_down(id)) downs_.push_back(id);
  }
}

/// False: not all that came before may have been read.
bool Wire::emit_down(ConnectionId id) {
  const auto still = connections_.find(id);
  if (still == connections_.end()) return true;
  Connection& connection = still->second;
  Source& source = *connection.source;
  if (source.sweeps < connection.down_at_sweep) return false;
  connection.down_at_sweep = 0;
  if (source.dialed == 0) {
    // It may have called again meanwhile.
    const auto descriptor = descriptors_.find(connection.descriptor);
    if (descriptor != descriptors_.end() && descriptor->second == id) return true;
    connection.descriptor = -1;
    if (!connection.kept) {
      callers_.erase(connection.routing_id);
      connections_.erase(still);
    }
  }
  ready_.push_back({.what = Incoming::What::down, .connection = id});
  return true;
}

void Wire::drop(ConnectionId connection, std::string_view why) {
  ++frames_dropped_;
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (found->second.standing == Standing::stranger) show_out(connection);
  if (found->second.drop_logged) return;
  found->second.drop_logged = true;
  if (!drops_.admits()) return;
  log().warn("dropped a frame from {}: {} (more from there are only counted{})",
             found->second.address, why, drops_.end().empty() ? "" : ", and from anywhere else");
}

}  // namespace rankwire::zmq_wire
