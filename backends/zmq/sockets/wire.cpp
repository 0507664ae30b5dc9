#include "sockets/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

#include "protocol/frame.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "reach/busy_host.hpp"
#include "reach/open_files.hpp"
#include "sockets/calls.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr int sockets_max = 16'384;
// Less would end sound connections: the system takes this long to send something again.
constexpr int maxrt_least_ms = 1000;
constexpr int frames_skipped_at_once = 256;
// A wait whose deadline has passed ends after this time at the latest, even if others send more and
// more.
constexpr std::chrono::milliseconds late_max{5}, no_wait{0};
constexpr std::uint64_t turns_a_sweep = 2, turns_besides = 64;
constexpr int late_yields = 4;
constexpr int waits_without_yield = 256;
// A signal that comes just before a wait begins is noticed after this time, on a host of few ranks.
constexpr std::chrono::milliseconds look_for_signals_interval{100};
// When a caller has ended, libzmq's thread hands over its last frames within microseconds.
constexpr std::chrono::milliseconds look_for_ends_interval{1};

zmq::context_t make_context() {
  raise_file_limit();
  check_files_left(files_of_wire,
                   "a rank over ZeroMQ");  // without files libzmq would abort the process
  zmq::context_t context{1};
  set_option(context, zmq::ctxopt::max_sockets, sockets_max);
  return context;
}

}  // namespace

Wire::Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys)
    : silence_max_{silence_max}, keys_{std::move(keys)}, context_{make_context()} {}

void Wire::set_up(zmq::socket_t& socket, std::int64_t frame_bytes_max) const {
  const int silence_max_ms = static_cast<int>(silence_max_.count());
  set_option(socket, zmq::sockopt::sndhwm, 0);
  set_option(socket, zmq::sockopt::rcvhwm, 0);
  set_option(socket, zmq::sockopt::linger,
             0);  // for hang_up; the destructor does not rely on libzmq's linger
  set_option(socket, zmq::sockopt::maxmsgsize, frame_bytes_max);
  set_option(socket, zmq::sockopt::heartbeat_timeout, 0);  // Silence does this instead
  // While the program computes, nobody calls Silence, but a dead network must still be noticed.
  set_option(socket, zmq::sockopt::tcp_maxrt, std::max(patience_ * silence_max_ms, maxrt_least_ms));
  // A connection that is cut off on one side only must not use up the grace.
  set_option(socket, zmq::sockopt::handshake_ivl, std::max(silence_max_ms, 1'000));
}

void Wire::expect_workers(int ranks) {
  // If every rank talks to every other, each host has many connections, and their PINGs alone may
  // keep it busy.
  crowd_ = std::max(1, ranks / ranks_few);
}

void Wire::share_host(int ranks) {
  patience_ = patience_of(ranks);
  if (patience_ == 1) return;
  for (const auto& [number, connection] : connections_) {
    if (connection.source->dialed == 0 && has_file(number, connection)) watch_over(connection);
  }
  for (const auto& source : dialed_) {
    if (source->dialing.stands) watch_rank(source->dialing.descriptor, silence_of(source->dialing));
  }
}

/// The socket is reported by twice the source's number, its monitor by one more.
void Wire::watch(Source& source) {
  Ends& ends = *source.ends;
  const std::uint64_t name = 2 * source.dialed;
  ends.watched.reserve(2);
  ends.watched.push_back(readiness_.watch(option_of(ends.socket, zmq::sockopt::fd), name));
  ends.watched.push_back(
      readiness_.watch(option_of(ends.monitor.socket(), zmq::sockopt::fd), name + 1));
  wake(source);
}

/// The source must be asked whether it has something, as its descriptor may not report it.
void Wire::wake(Source& source) {
  source.quiet = false;
  if (!std::exchange(source.listed, true)) awake_.push_back(&source);
}

bool Wire::send(ConnectionId to, const Header& header, std::span<const std::byte> body) {
  return send(to, frame_of(header, body), nullptr);
}

bool Wire::send(ConnectionId to, zmq::message_t&& first, zmq::message_t* chunk) {
  const auto found = connections_.find(to);
  if (found == connections_.end()) return false;
  Source& source = *found->second.source;
  const Dialing& dialing = source.dialing;
  if (source.dialed != 0 && !dialing.stands && !dialing.first) return false;
  auto& socket = source.socket();
  wake(source);
  try {
    // This never waits, since there is no high-water mark. libzmq's own thread comes here, too
    // (Turns).
    if (source.dialed == 0) {
      const std::string& id = found->second.routing_id;
      send_part(socket, zmq::message_t{id.data(), id.size()}, true);
    }
    send_part(socket, std::move(first), chunk != nullptr);
    if (chunk != nullptr) send_part(socket, std::move(*chunk), false);
    return true;
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) {
      has_ended(to);
      return false;
    }
    throw TransportError{fmt::format("send to {}: {}", found->second.address, error.what())};
  }
}

void Wire::hang_up(ConnectionId connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  forget_ready(connection);
  if (Source& source = *found->second.source; source.dialed != 0) {
    hang_up_dialed(connection, source);
    return;
  }
  // The entry stays: frames of the caller that libzmq still holds must not be taken for another
  // caller's.
  now_stands(connection, found->second, Standing::hung_up);
}

void Wire::forget_ready(ConnectionId connection) {
  std::erase_if(ready_, [&](const Incoming& in) { return in.connection == connection; });
}

void Wire::look_after_strangers() {
  const auto shown_out = doorman_.look(listener_ ? listener_->sweeps : 0);
  frames_dropped_ += shown_out;
  gate_.charge(static_cast<double>(shown_out) * Gate::cost_of_stay);
  gate_.look();
}

/// Notes that the process at the other end of a connection, which ends now, has exited.
void Wire::note_exited(int descriptor) {
  // Only the latest caller with this descriptor: the processes of earlier ones may live.
  const auto found = accepted_.find(descriptor);
  if (found != accepted_.end() && !found->second.callers.empty()) {
    connections_.at(found->second.callers.back()).exited = true;
  }
  for (const auto& source : dialed_) {
    if (source->dialing.stands && source->dialing.descriptor == descriptor)
      connections_.at(source->dialed).exited = true;
  }
}

StreamConnection::Come Wire::bytes_come(ConnectionId connection) const {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return {};
  const Source& source = *found->second.source;
  const bool stands =
      source.dialed != 0 ? source.dialing.stands : has_file(connection, found->second);
  if (!stands) return {};
  const auto file = StreamConnection::at(source.dialed != 0 ? source.dialing.descriptor
                                                            : found->second.descriptor);
  return file ? file->come() : StreamConnection::Come{};
}

std::optional<Incoming> Wire::receive(Deadline deadline) {
  Deadline at_last = Deadline::never();
  while (ready_.empty()) {
    word_unanswered_ = false;
    if (interruptible_) check_interrupted();
    look_after_strangers();
    for (const int descriptor : silence_.look()) note_exited(descriptor);
    look_after_attempts();
    if (!ready_.empty()) break;
    const Deadline next_end = downs_.empty() ? Deadline::never() : Deadline{look_for_ends_interval};
    const bool any = pump(deadline.sooner(patience_ * look_for_signals_interval)
                              .sooner(doorman_.next_look())
                              .sooner(next_attempt_look_)
                              .sooner(next_end));
    if (!ready_.empty() || !deadline.expired()) continue;
    if (!any || at_last.expired()) return std::nullopt;
    if (at_last.is_never()) at_last = late_max;
  }
  Incoming next = std::move(ready_.front());
  ready_.pop_front();
  return next;
}

/// Waits until something can be read or the deadline has passed, and reads it. It reads monitors
/// first, to know which connections have ended; then frames; then it reports the ends, behind the
/// frames.
///
/// It does not use zmq::poll, which makes three times the system calls. A socket's descriptor
/// reports news only once, and a send may have consumed the report. So a socket that was used is
/// asked before the wait.
bool Wire::pump(Deadline deadline) {
  try {
    bool any = true;
    if (is_any_readable()) {
      take_reports(readiness_.wait(no_wait));
      // By index: what is read may wake another source.
      for (std::size_t i = 0; i < awake_.size(); ++i) drain(*awake_[i], messages_at_once);
    } else {
      any = wait_and_read(deadline);
    }
    emit_downs();
    return any || !ready_.empty();
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return false;
    throw TransportError{fmt::format("waiting for messages: {}", error.what())};
  }
}

/// Looks and yields for a while before a sleep. Returns what was reported at last. If others want
/// the core, a thread that yields may not get it back for milliseconds, while one that sleeps gets
/// it at once when it wakes up. After such a yield, some waits go without.
Readiness::Reports Wire::look_and_yield() {
  if (yield_ == yield_.zero() || (waits_without_yield_ > 0 && waits_without_yield_-- > 0))
    return {};
  const auto start = Deadline::Clock::now();
  auto now = start;
  Readiness::Reports reports;
  while (!(reports = readiness_.wait(no_wait)).any() && now - start < yield_) {
    std::this_thread::yield();
    now = Deadline::Clock::now();
  }
  if (now - start > late_yields * yield_) waits_without_yield_ = waits_without_yield;
  return reports;
}

/// Whether a source has something that its descriptor may not report.
bool Wire::is_any_readable() {
  std::erase_if(awake_, [](Source* source) {
    source->listed = !source->quiet;
    return source->quiet;
  });
  return std::any_of(awake_.begin(), awake_.end(), [](Source* s) { return is_readable(*s); });
}

bool Wire::is_readable(Source& source) {
  if (source.quiet) return false;
  const int events = option_of(source.socket(), zmq::sockopt::events);
  source.quiet = (events & ZMQ_POLLIN) == 0;
  return !source.quiet;
}

bool Wire::wait_and_read(Deadline deadline) {
  Readiness::Reports reports;
  if (!deadline.is_poll()) reports = look_and_yield();
  if (!reports.any()) {
    reports = readiness_.wait(std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining()));
  }
  take_reports(reports);
  // A message whose end never comes cannot be read. The sweep still counts, so that the Doorman
  // finds out who sends it.
  if (!reports.interrupted && listener_ && listener_->quiet) note_sweep(*listener_, 2);
  // Reads only one: looking for more costs a system call, and the next pump begins with that.
  for (std::size_t i = 0; i < awake_.size(); ++i) {
    if (!awake_[i]->quiet) read_message(*awake_[i]);
  }
  return reports.any();
}

/// Reads the monitors that have something, and wakes the sockets that may have.
void Wire::take_reports(const Readiness::Reports& reports) {
  const auto source_of = [this](std::uint64_t name) -> Source& {
    return name < 2 ? *listener_ : *connections_.at(name / 2).source;
  };
  for (const auto& report : reports.of) {
    if (report.data.u64 % 2 == 1) read_monitor(source_of(report.data.u64));
  }
  for (const auto& report : reports.of) {
    if (report.data.u64 % 2 == 0) wake(source_of(report.data.u64));
  }
}

void Wire::read_monitor(Source& source) {
  while (const auto event = source.ends->monitor.next()) {
    if (source.dialed == 0) {
      listener_event(*event);
    } else {
      dialed_event(source, *event);
    }
  }
}

void Wire::drain(Source& source, int messages_max) {
  while (messages_max-- > 0 && read_message(source)) {
    if (word_unanswered_ && source.dialed == 0) return;
  }
}

/// After this many messages each connection of the listener has had its turn twice.
std::uint64_t Wire::reads_of_a_sweep() const {
  return turns_a_sweep * (accepted_.size() + callers_.size()) + turns_besides;
}

void Wire::note_sweep(Source& source, std::uint64_t count) {
  source.sweeps += count;
  source.read_since_sweep = 0;
}

/// Skips the parts of a frame that has more than any of ours, a bounded number at a time. Returns
/// false while more of them remain.
bool Wire::skip_rest(Source& source) {
  zmq::message_t rest;
  for (int frame = 0; source.skips; ++frame) {
    if (frame == frames_skipped_at_once) return false;
    source.skips = receive_part(source.socket(), rest) && rest.more();
  }
  return true;
}

/// Reads one message, if there is one. Puts it into ready_ if it is one of rankwire's. Returns
/// whether there was one.
bool Wire::read_message(Source& source) {
  zmq::message_t routing_id;
  Incoming in;
  auto& socket = source.socket();
  const bool called = source.dialed == 0;
  if (!skip_rest(source)) return true;
  if (!receive_part(socket, called ? routing_id : in.first)) {
    note_sweep(source, 2);
    return false;
  }
  if (called && !receive_part(socket, in.first)) return false;
  wake(source);  // there may be more, and its descriptor has reported it already
  in.connection = called ? caller_of(routing_id, in.first) : source.dialed;
  // A sweep is over when each connection has had its turn twice, since it may have begun before.
  ++source.read;
  if (called && ++source.read_since_sweep > reads_of_a_sweep()) note_sweep(source, 1);
  bool more = in.first.more();
  if (more) {
    (void)receive_part(socket, in.chunk);
    in.has_chunk = true;
    more = in.chunk.more();
  }
  if (more) {  // more parts than any frame of ours has
    in.has_chunk = false;
    in.first.rebuild();
    source.skips = true;
    (void)skip_rest(source);
  }
  const auto header = header_of({in.first.data<std::byte>(), in.first.size()});
  if (!called && !header) count_dropped(in.connection, "not a message of rankwire");
  if (called ? !is_heard(in.connection, header) : !header) return true;
  in.header = *header;
  ready_.push_back(std::move(in));
  return true;
}

void Wire::count_dropped(ConnectionId connection, std::string_view why) {
  ++frames_dropped_;
  const auto found = connections_.find(connection & ~back_bit);
  if (found == connections_.end()) return;
  if (found->second.standing == Standing::stranger) show_out(connection);
  if (found->second.drop_logged) return;
  found->second.drop_logged = true;
  if (!drops_.admits()) return;
  log().warn("dropped a frame from {}: {} (more from there are only counted{})",
             found->second.address, why, drops_.end().empty() ? "" : ", and from anywhere else");
}

}  // namespace rankwire::zmq_wire
