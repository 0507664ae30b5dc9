#include "channel/zmq_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "rankwire/backend/cores.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/backend/texts.hpp"
#include "rankwire/backend/wait_policy.hpp"
#include "reach/address.hpp"

namespace rankwire::zmq_wire {
namespace {

/// A rank that only sends must see an abort or a loss some time, and that its bytes have come,
/// whose memory then serves for the next ones.
constexpr unsigned look_each_sends = 512;
constexpr std::size_t look_each_bytes = std::size_t{2} << 20;
/// A wait that took less than so many times what it may yield was a short one.
constexpr int waits_for_yield = 3;
/// Between two looks for signals and aborts.
constexpr std::chrono::milliseconds round_max{100};
/// Of a program that takes what it has, and waits for nothing.
constexpr std::chrono::milliseconds busy_look_max{2};

/// A payload that libzmq sends in pieces; ends with the last of them.
struct SharedPayload {
  SharedPayload(Buffer&& payload, std::size_t pieces)
      : bytes{std::move(payload)}, references{pieces} {}
  Buffer bytes;
  std::atomic<std::size_t> references;

  static void release(void*, void* shared) {
    auto* const self = static_cast<SharedPayload*>(shared);
    if (self->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete self;
  }
};

}  // namespace

ZmqChannel::ZmqChannel(Session session)
    : Channel{{session.rank, static_cast<int>(session.members.size()),
               session.settings.message_bytes_max}},
      settings_{session.settings},
      address_file_{std::move(session.address_file)},
      wire_{std::move(session.wire)},
      token_{session.token},
      peers_(session.members.size()),
      mailbox_{session.rank, static_cast<int>(session.members.size()),
               session.rank == 0 && session.settings.takes_arrivals},
      windows_{session.rank, static_cast<int>(session.members.size()),
               session.settings.window_bytes} {
  for (int other = 0; other < size(); ++other) {
    const auto at = static_cast<std::size_t>(other);
    peer(other).member = std::move(session.members[at]);
    if (is_master()) {
      peer(other).nonce = session.nonces[at];
      peer(other).hello = session.hellos[at];
      peer(other).first_probe = std::move(session.first_probes[at]);
    }
    if (session.connections[at] == 0) continue;
    adopt(other, session.connections[at], 0);
    look_at_first_probe(other);
  }
  if (!is_master()) {
    peer(0).probed_at = session.dialed;
    wire_->expect_workers(size());
  }
  Crowd crowd{.ranks = 0, .cores = usable_cores(allowed_cores(), core_quota()), .served = true};
  for (const Peer& there : peers_) crowd.ranks += there.member.host == peer(rank()).member.host;
  const WaitPolicy wait = wait_policy(settings_.wait, crowd);
  yield_ = wait.yield + std::chrono::ceil<std::chrono::microseconds>(wait.spin);
  for (const auto& departed : session.departed) process_departed(departed);
  for (auto& incoming : session.early) process(std::move(incoming));
  if (session.early_dropped) {
    for (const Peer& there : peers_) {
      if (there.in) there.in->ask_again();
    }
  }
}

/// In a forked process: what has locks, threads or files stays as it is.
void ZmqChannel::leave_to_parent() {
  struct Left {
    std::unique_ptr<Wire> wire;
    std::vector<Peer> peers;
    std::shared_ptr<FrameStore> frames;
  };
  static auto& left = *new std::vector<Left>;
  address_file_.disown();
  left.push_back({std::move(wire_), std::move(peers_), std::move(frames_)});
}

/// The sockets linger, then close.
ZmqChannel::~ZmqChannel() {
  if (!is_own_process()) {
    leave_to_parent();
    return;
  }
  turns_->enter();  // and does not leave: libzmq's thread shall find nothing of this any more
  if (!wire_) return;
  try {
    flush();
  } catch (const std::exception& error) {
    log().error("messages were not sent: {}", error.what());
  }
}

std::string ZmqChannel::name(int rank) const {
  const auto& member = peers_[static_cast<std::size_t>(rank)].member;
  return name_of(rank, member.host, member.pid);
}

void ZmqChannel::check_aborted() const {
  if (!is_aborted_.load(std::memory_order_acquire)) return;
  const std::string text =
      fmt::format("{} ended the world: {}", name_of(aborted_->rank, aborted_->host, aborted_->pid),
                  aborted_->what);
  if (aborted_->rank == rank()) throw Aborted{text, rank(), aborted_->exit_code};
  throw Aborted{text, aborted_->rank};
}

void ZmqChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  const Turn turn{*turns_};
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    send_to_self(tag, std::move(payload));
  } else if (payload.size() <= inline_payload_bytes_max) {
    send_inline(dest, tag, payload.bytes());
  } else {
    send_as_it_lies(dest, tag, std::move(payload));
  }
}

void ZmqChannel::do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                  Deadline deadline) {
  const Turn turn{*turns_};
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    note_copied(payload.size());
    send_to_self(tag, Buffer::copy_of(payload));
  } else if (payload.size() <= inline_payload_bytes_max) {
    send_inline(dest, tag, payload);
  } else {
    note_copied(payload.size());
    send_as_it_lies(dest, tag, Buffer::copy_of(payload));
  }
}

/// Throws what must be thrown before a send; returns when there is room for it.
void ZmqChannel::prepare_send(int dest, std::size_t bytes, Deadline deadline) {
  unseen_bytes_ += bytes;
  check_interrupted();
  if (++unseen_sends_ >= look_each_sends || unseen_bytes_ >= look_each_bytes) {
    look_around();
    settle();
  }
  heed_abort();
  check_aborted();
  mailbox_.check_send(dest);
  if (!windows_.has_room(dest, bytes)) wait_for_room(dest, bytes, deadline);
  // Who knows by this message what was received here may count on the room.
  if (windows_.owes()) {
    if (const auto total = windows_.owed(dest, mailbox_.queued_bytes(dest))) credit(dest, *total);
  }
}

void ZmqChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  const auto window_use = [&] {
    return WindowUse{windows_.outstanding_bytes(dest), windows_.window_bytes()};
  };
  Rounds rounds{*this};
  const bool room =
      dest != rank() &&  // for which only this rank could make room, and it is here
      wait_until(
          rounds, deadline,
          [&] {
            mailbox_.check_send(dest);
            return windows_.has_room(dest, bytes);
          },
          [&] {
            say_long_send(long_waits_, rank(), lacking_room(name(dest), bytes, window_use()));
          });
  if (!room) throw_no_room(rank(), dest, name(dest), bytes, window_use());
}

void ZmqChannel::Rounds::check() const {
  check_interrupted();
  channel.check_aborted();
}

bool ZmqChannel::Rounds::step(Deadline until) const {
  if (until.is_poll()) return channel.pump(until);
  channel.settle();  // for it sleeps at once
  return channel.pump(until.sooner(channel.windows_.settles_at()));
}

void ZmqChannel::send_to_self(int tag, Buffer&& payload) {
  windows_.sent(rank(), payload.size());
  mailbox_.push({rank(), tag, std::move(payload)});
}

void ZmqChannel::send_inline(int dest, int tag, std::span<const std::byte> payload) {
  note_copied(payload.size());
  Link& link = link_to(dest);
  Peer& there = peer(dest);
  const bool alone = std::exchange(there.sent_at_wait, waits_) != waits_;
  link.send_message(static_cast<std::uint32_t>(tag), payload, alone);
  if (link.waits() && !std::exchange(link.listed, true)) waiting_.push_back(&link);
  windows_.sent(dest, payload.size());
  ++there.sent;
}

std::unique_ptr<Link> ZmqChannel::make_link(int rank) {
  return std::make_unique<Link>(*this, rank, turns_, frames_);
}

/// Sends what waited for libzmq's thread to be done with what was before it; on that thread, too.
void ZmqChannel::do_due() noexcept {
  std::erase_if(waiting_, [this](Link* link) {
    if (link->waits() && !link->is_due()) return false;
    link->listed = false;
    try {
      link->flush();
    } catch (...) {
      due_failed_ = std::current_exception();
    }
    return true;
  });
}

/// Sends all that waits: before this rank waits itself.
void ZmqChannel::flush() {
  for (Link* const link : waiting_) {
    link->listed = false;
    link->flush();
  }
  waiting_.clear();
}

void ZmqChannel::send_as_it_lies(int dest, int tag, Buffer&& payload) {
  const std::size_t bytes = payload.size();
  const std::size_t piece_bytes =
      std::clamp(peer(dest).member.piece_bytes, piece_bytes_min, piece_bytes_max);
  const std::size_t pieces = (bytes + piece_bytes - 1) / piece_bytes;
  const bool has_room = payload.tail_room() >= Header::wire_bytes;
  const Header header{Kind::data, static_cast<std::uint32_t>(tag), bytes};
  Link& link = link_to(dest);
  auto* const shared = new SharedPayload{std::move(payload), pieces};
  const auto message = [shared](std::size_t at, std::size_t size) {
    return zmq::message_t{shared->bytes.data() + at, size, SharedPayload::release, shared};
  };
  if (pieces == 1 && has_room) {
    link.send_whole(header, message(0, bytes + Header::wire_bytes));
  } else {
    for (std::size_t at = 0; at < bytes; at += piece_bytes) {
      link.send_chunk(header, message(at, std::min(piece_bytes, bytes - at)));
    }
  }
  windows_.sent(dest, bytes);
  ++peer(dest).sent;
}

std::optional<Event> ZmqChannel::do_next(const Wanted& wanted, Deadline deadline) {
  check_interrupted();
  const bool aborts = abort_asked_.load(std::memory_order_acquire) && !abort_done_.load();
  if (look_timer_.due() || aborts) {
    const Turn turn{*turns_};
    look_around(busy_look_max);
  }
  check_aborted();
  auto event = take(wanted);
  if (!event) event = wait_for(wanted, deadline);
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) note_taken(*message);
  }
  return event;
}

std::optional<Event> ZmqChannel::take(const Wanted& wanted) {
  if (open_batch_.rest.empty()) return mailbox_.take(wanted);
  if (!mailbox_.idle() || !wanted.asks_for(open_batch_.source)) {
    if (auto event = mailbox_.take(wanted)) return event;
  }
  return take_from_batch(wanted);
}

/// Short waits are shorter still where the core does not fall asleep in them: then libzmq's thread,
/// to which it is yielded, wakes up in a few microseconds instead of tens. (Two processes on two
/// cores, 8 B one way: 25 us, asleep 55.) Not where the last wait was a long one: that would take
/// time from the threads that copy what is waited for.
std::optional<Event> ZmqChannel::wait_for(const Wanted& wanted, Deadline deadline) {
  const Turn turn{*turns_};
  const bool polls = deadline.is_poll();
  const auto start = polls ? Deadline::Clock::time_point{} : Deadline::Clock::now();
  wire_->set_yield(last_wait_ <= waits_for_yield * yield_ ? yield_ : yield_.zero());
  Rounds rounds{*this};
  std::optional<Event> event;
  wait_for_event(
      rounds, mailbox_, wanted, deadline, event,
      [&](std::optional<Event>& found) {
        if (!open_batch_.rest.empty()) found = take_from_batch(wanted);
        return found.has_value();
      },
      [&] { say_long_receive(long_waits_, rank(), wanted); });
  if (!polls) {
    const auto waited = Deadline::Clock::now() - start;
    last_wait_ = std::exchange(waited_in_vain_, !event) ? last_wait_ + waited : waited;
  }
  return event;
}

/// Gives the sender the room back that its message took.
void ZmqChannel::note_taken(const Message& message) {
  if (mailbox_.gave_of_former()) return;
  const auto total = windows_.taken(message.source, message.payload.size());
  if (!total) return;
  const Turn turn{*turns_};
  credit(message.source, *total);
}

void ZmqChannel::credit(int source, std::uint64_t total) {
  if (Link* const link = link_from(source); link != nullptr && !mailbox_.departure(source)) {
    link->send({.kind = Kind::credit, .bytes = total}, {});
  }
}

void ZmqChannel::settle() {
  if (!windows_.owes()) return;
  windows_.settle([this](int source) { return mailbox_.queued_bytes(source); },
                  [this](int source, std::uint64_t total) { credit(source, total); });
}

std::optional<Departure> ZmqChannel::do_departure(int rank) {
  const Turn turn{*turns_};
  check_interrupted();
  look_around();
  check_aborted();
  settle();
  const Departure* const departure = mailbox_.departure(rank);
  return departure == nullptr ? std::nullopt : std::optional{*departure};
}

/// Takes in one thing that arrives until the deadline; false when nothing did.
bool ZmqChannel::pump(Deadline deadline) {
  heed_abort();
  if (abort_done_.load(std::memory_order_relaxed)) return false;
  if (due_failed_) std::rethrow_exception(std::exchange(due_failed_, nullptr));
  unseen_sends_ = 0;
  unseen_bytes_ = 0;
  look_timer_.looked();
  if (!deadline.is_poll()) {
    ++waits_;
    if (!waiting_.empty()) flush();
  }
  // A round a while, whatever the wire is busy with: for signals and aborts.
  auto incoming = wire_->receive(deadline.sooner(next_look_).sooner(round_max));
  if (incoming) process(std::move(*incoming));
  if (!next_look_.is_never() && next_look_.expired()) look_at_timers();
  return incoming.has_value();
}

/// Takes in what waits, in a call that does not wait.
void ZmqChannel::look_around(std::chrono::milliseconds at_most) {
  if (pump(Deadline::poll())) (void)drain(at_most);
}

void ZmqChannel::process(Incoming&& incoming) {
  unpack();
  if (incoming.what == Incoming::What::down) {
    process_down(incoming.connection, incoming.exited);
    return;
  }
  if (incoming.what == Incoming::What::up) {
    process_up(incoming);
    return;
  }
  if (incoming.what == Incoming::What::failed) {
    process_failed(incoming);
    return;
  }
  const ConnectionId connection = incoming.connection;
  try {
    const auto found = links_.find(connection);
    if (found == links_.end()) {
      process_stranger(std::move(incoming));
    } else {
      process_frame(*found->second, std::move(incoming));
    }
  } catch (const DecodeError& error) {
    wire_->drop(connection, error.what());
  }
}

void ZmqChannel::process_frame(Link& link, Incoming&& incoming) {
  const Header& header = incoming.header;
  if (is_numbered(header.kind) && !is_whole(incoming) && link.wants_again(header)) return;
  const bool is_next = link.take(header, incoming.first.size() + incoming.chunk.size());
  if (is_unproven(link)) note_frame(link, incoming);
  if (is_next) {
    process_numbered(link, std::move(incoming));
    return;
  }
  if (is_numbered(header.kind) || header.kind == Kind::ack) return;  // came before, or will again
  switch (header.kind) {
    case Kind::link:
      process_link(incoming);
      return;
    case Kind::resend:
      if (link.is_attached()) link.attach(link.route(), header.ack);
      return;
    case Kind::hello:
      if (is_master()) process_hello(std::move(incoming));
      return;
    case Kind::reject:
      process_reject(link, incoming);
      return;
    default:
      return;  // a welcome or a start that was said again
  }
}

void ZmqChannel::process_numbered(Link& link, Incoming&& incoming) {
  const int source = link.rank();
  switch (incoming.header.kind) {
    case Kind::data:
      process_data(source, std::move(incoming));
      return;
    case Kind::batch:
      process_batch(source, std::move(incoming));
      return;
    case Kind::credit:
      windows_.credited(source, incoming.header.bytes);
      return;
    case Kind::goodbye:
      process_goodbye(link, incoming);
      return;
    case Kind::abort:
      process_abort(link, incoming);
      return;
    case Kind::departed:
      link.acknowledge();
      if (source == 0) process_departed(record_of<Departed>(incoming.body()));
      return;
    case Kind::arrived:
      link.acknowledge();
      if (source == 0) process_arrived(record_of<Member>(incoming.body()));
      return;
    case Kind::relay:
      process_relay(source, std::move(incoming));
      return;
    default:
      return;
  }
}

Info ZmqChannel::do_info() const {
  Info info;
  info.transport = "zmq";
  info.library =
      fmt::format("libzmq {}.{}.{}", ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH);
  for (const auto& there : peers_) {
    const bool relayed = (there.out && is_relayed(there.out->route())) ||
                         (there.in && is_relayed(there.in->route()));
    info.peers.push_back(
        {there.member.rank, there.member.host, there.member.pid, there.member.endpoint, relayed});
  }
  info.across_hosts = !is_ipc(peer(0).member.endpoint);
  info.detects_loss = true;
  info.encrypted = wire_ && wire_->has_keys();
  info.takes_arrivals = settings_.takes_arrivals;
  info.window_bytes = settings_.window_bytes;
  info.frames_dropped = wire_ ? wire_->frames_dropped() : frames_dropped_;
  return info;
}

}  // namespace rankwire::zmq_wire
