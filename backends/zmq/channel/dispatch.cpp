#include <fmt/format.h>

#include <utility>

#include "channel/zmq_channel.hpp"

// What comes from the Wire. It goes to the link over which it came, and from there to the part of
// the channel that handles it.

namespace rankwire::zmq_wire {
namespace {

/// The longest time between two checks for signals and aborts, on a host of few ranks.
constexpr std::chrono::milliseconds round_max{100};
/// A call that does not wait, or whose wait is over, takes in what has come for at most this long.
constexpr std::chrono::milliseconds look_around_max{10};

}  // namespace

/// Takes in one thing that arrives before the deadline. False if nothing did.
bool ZmqChannel::pump(Deadline deadline) {
  ending_.heed_abort(wire_.get());
  if (ending_.is_abort_made()) return false;
  outbox_.check_due();
  pace_.looked();
  if (!deadline.is_poll()) outbox_.begin_wait();
  // Ends the round after a while even if the wire is busy, to check for signals and aborts.
  auto incoming = wire_->receive(deadline.sooner(looks_.next()).sooner(patience_ * round_max));
  if (incoming) process(std::move(*incoming));
  if (looks_.is_due()) look_at_timers();
  members_.look_for_signs();
  return incoming.has_value();
}

/// Takes in what has come, in a call that does not wait.
void ZmqChannel::look_around(std::chrono::milliseconds at_most) {
  if (pump(Deadline::poll())) (void)drain(at_most);
}

/// Takes in what has come, for `at_most`. False if there is more.
bool ZmqChannel::drain(std::chrono::milliseconds at_most) {
  // A frame may have a thousand messages. Reading the clock costs as much as one message.
  constexpr int frames_per_clock = 8;
  const Deadline end{at_most};
  for (int taken = 1;; ++taken) {
    if (taken % frames_per_clock == 0 && end.expired()) return false;
    auto incoming = wire_->receive(Deadline::poll());
    if (!incoming) return true;
    process(std::move(*incoming));
    if (is_wanted()) return false;
  }
}

/// Looks at everything that has a deadline. First takes in what has come: this rank may have
/// computed for long, and a frame that makes a deadline void may be waiting. But if there is always
/// more, it looks all the same after a while.
void ZmqChannel::look_at_timers() {
  looks_.again();
  if (pace_.puts_timers_off(!drain(look_around_max))) return;
  inbox_.unpack();  // it may have the last messages of a rank that departs
  members_.look_at_waiting_hellos();
  dialer_.look();
  for (const int rank : members_.awaited()) {
    members_.give_up_late(rank);
    follow_told(rank);
  }
  members_.look_at_absent();
  members_.tell_departures_if_due();
  if (!members_.needs_look() && !dialer_.needs_look()) looks_.end();
}

void ZmqChannel::process(Incoming&& incoming) {
  inbox_.unpack();
  switch (incoming.what) {
    case Incoming::What::up:
      return process_up(incoming);
    case Incoming::What::down:
      return process_down(incoming.connection, incoming.exited);
    case Incoming::What::failed:
      return process_failed(incoming);
    case Incoming::What::frame:
      break;
  }
  incoming.connection = links_.way_of(incoming.connection, incoming.header);
  const ConnectionId connection = incoming.connection;
  try {
    if (Link* const link = links_.at(connection)) {
      process_frame(*link, std::move(incoming));
    } else {
      process_stranger(std::move(incoming));
    }
  } catch (const DecodeError& error) {
    wire_->count_dropped(connection, error.what());
  }
}

/// A connection stands that this rank dialed.
void ZmqChannel::process_up(const Incoming& incoming) {
  Link* const link = links_.at(incoming.connection);
  if (link == nullptr) return;
  dialer_.is_up(*link, incoming.connection, incoming.anew);
  if (link->rank() == 0) members_.master_stands();
}

void ZmqChannel::process_down(ConnectionId connection, bool exited) {
  if (EarlyLinks::Call* const call = links_.early().find(connection)) {
    call->ended = true;  // its frames are still taken, once its rank is known
    return;
  }
  members_.forget_caller(connection);
  Link* const link = links_.at(connection);
  if (link == nullptr) return;
  const int rank = link->rank();
  const bool was_route = link->connection() == connection;
  if (was_route) link->detach();
  links_.end_way_back(connection);
  if (rank != 0 && (members_.has_departed(rank) || members_.is_departing(rank))) {
    links_.unlink(connection);  // else the Wire dials again, and may reach a stranger
    members_.look_at_departing(rank);
    follow_told(rank);
  } else if (links_.is_hub(rank)) {
    if (was_route) members_.hub_is_down(rank, exited);
  } else if (dialer_.is_direct(rank, connection)) {
    dialer_.is_down(rank);
  } else {
    dialer_.find_way(rank);
  }
}

/// A handshake failed. The Wire tries again until the grace or the Dialer's patience is over.
void ZmqChannel::process_failed(const Incoming& incoming) {
  const Link* const link = links_.at(incoming.connection);
  if (link == nullptr) return;
  const int rank = link->rank();
  if (rank == 0 && incoming.key_refused) {
    members_.lose_world("the master that answers now refuses the key of this worker");
  } else if (rank != 0 && dialer_.is_direct(rank, incoming.connection)) {
    dialer_.handshake_failed(rank);
  }
}

void ZmqChannel::process_stranger(Incoming&& incoming) {
  const ConnectionId connection = incoming.connection;
  const Kind kind = incoming.header.kind;
  if (EarlyLinks::Call* const call = links_.early().find(connection)) {
    links_.early().keep(*call, std::move(incoming));
  } else if (kind == Kind::link) {
    process_call(incoming);
  } else if (kind == Kind::hello && roster_.is_master()) {
    members_.take_hello(std::move(incoming));
  } else if (!is_way_back(connection)) {  // else its link goes another way now, and this comes late
    wire_->count_dropped(connection, "not from a rank of this world");
  }
}

/// Another rank has dialed, or dialed again.
void ZmqChannel::process_call(const Incoming& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto hello = decode<LinkHello>(incoming.body());
  if (hello.token != links_.token() || !roster_.is_other_worker(hello.rank)) {
    links_.turn_away(connection, Refusal::unknown, "it is of another world");
    wire_->count_dropped(connection, "not a link of this world");
    return;
  }
  if (hello.to_rank != rank()) {
    links_.turn_away(connection, Refusal::unknown, fmt::format("here is rank {}", rank()));
    wire_->count_dropped(connection, "a link to another rank");
    return;
  }
  wire_->listen_to(connection);
  if (hello.to_incarnation != roster_.me().incarnation) {
    wire_->count_dropped(connection, "a link to the process that had this rank before");
    return;
  }
  const auto incarnation = roster_[hello.rank].incarnation;
  const Departure* const departure = ledger_.mailbox().departure(hello.rank);
  if (hello.incarnation > incarnation && !roster_.is_master()) {
    const bool kept = links_.early().add(connection, {hello, incoming.header.ack});
    if (!kept) wire_->hang_up(connection);  // the worker calls again
  } else if (hello.incarnation != incarnation) {
    links_.turn_away(connection, Refusal::lost, "another process has taken its place");
  } else if (departure != nullptr && departure->kind == Departure::Kind::lost) {
    if (roster_.is_master()) links_.turn_away(connection, Refusal::lost, departure->reason);
  } else {
    members_.adopt_call(hello, connection, incoming.header.ack);
    Link& link = *links_.from(hello.rank);
    if (link.connection() != connection) return;
    link.note_sent(incoming.header.sequence);
    dialer_.note_frame(link, connection, incoming.header.kind);
  }
}

/// The master has announced a newcomer, which may have dialed this rank before.
void ZmqChannel::adopt_early(const Member& member) {
  for (auto& [connection, call] : links_.early().take(member)) {
    members_.adopt_call(call.hello, connection, call.received);
    for (auto& frame : call.frames) process(std::move(frame));
    if (call.ended) {
      process_down(connection, false);
    } else if (Link* const link = links_.from(member.rank); call.dropped && link != nullptr) {
      link->ask_again();
    }
  }
}

/// Acts on what the master has told of a rank, unless its departure is still awaited. To be called
/// whenever that may have ended: the program must not see the rank gone for good in between.
void ZmqChannel::follow_told(int rank) {
  while (const auto newcomer = members_.follow(rank)) adopt_early(*newcomer);
}

void ZmqChannel::process_frame(Link& link, Incoming&& incoming) {
  const Header& header = incoming.header;
  if (is_numbered(header.kind) && !inbox_.is_whole(incoming) && link.wants_again(header)) return;
  const bool is_next = link.take(header, incoming.first.size() + incoming.chunk.size());
  if (dialer_.is_unproven(link)) dialer_.note_frame(link, incoming.connection, header.kind);
  if (is_next) {
    process_numbered(link, std::move(incoming));
    return;
  }
  if (is_numbered(header.kind) || header.kind == Kind::ack)
    return;  // came before, or will come again
  switch (header.kind) {
    case Kind::sign:
      return members_.heard_from(link.rank(), header.tag);
    case Kind::link:
      return process_call(incoming);
    case Kind::resend:
      if (link.is_attached()) link.attach(link.route(), header.ack);
      return;
    case Kind::hello:
      if (roster_.is_master()) members_.take_hello(std::move(incoming));
      return;
    case Kind::reject:
      return process_reject(link, incoming);
    default:
      return;  // a welcome or a start that was sent again
  }
}

void ZmqChannel::process_numbered(Link& link, Incoming&& incoming) {
  const int source = link.rank();
  switch (incoming.header.kind) {
    case Kind::data:
    case Kind::batch:
      return process_data(source, std::move(incoming));
    case Kind::credit:
      return ledger_.credited(source, incoming.header.bytes);
    case Kind::want:
      ledger_.wanted({source, incoming.header.tag, incoming.header.bytes});
      return grant();
    case Kind::grant:
      return ledger_.granted({source, incoming.header.tag, incoming.header.bytes});
    case Kind::relay:
      return process_relay(source, std::move(incoming));
    case Kind::goodbye:
      return members_.take_goodbye(link, decode<Goodbye>(incoming.body()));
    case Kind::departed:
    case Kind::arrived:
      link.acknowledge();
      if (source == 0) process_told(incoming);
      return;
    case Kind::abort:
      link.acknowledge();
      return process_abort(source, incoming);
    case Kind::ask:
      return members_.answer(source, incoming.header.tag);
    case Kind::member:
      if (source == 0) members_.learn(record_of<Member>(incoming.body()));
      return;
    default:
      return;
  }
}

void ZmqChannel::process_data(int source, Incoming&& incoming) {
  const ConnectionId connection = incoming.connection;
  if (const auto fault = inbox_.accept(source, std::move(incoming))) {
    wire_->count_dropped(connection, *fault);
  } else if (members_.is_departing(source)) {
    inbox_.unpack();
    members_.message_came(source);
    follow_told(source);
  }
}

/// The master tells something of a rank.
void ZmqChannel::process_told(const Incoming& incoming) {
  const auto take = [this](auto&& told) {
    turns_->assert_entered();
    const int rank = told.rank;
    if (!roster_.is_other(rank)) return;
    members_.take_told(std::forward<decltype(told)>(told));
    follow_told(rank);
  };
  if (incoming.header.kind == Kind::departed) {
    const auto body = incoming.has_chunk
                          ? std::span{incoming.chunk.data<std::byte>(), incoming.chunk.size()}
                          : incoming.body();
    for (auto& departed : all_departed(record_of<DepartedList>(body), size())) {
      take(std::move(departed));
    }
  } else if (auto member = record_of<Member>(incoming.body()); member.rank != 0) {
    take(std::move(member));
  }
}

/// Handles a relay. The master passes its frame on. A worker takes the frame, which another worker
/// has sent.
void ZmqChannel::process_relay(int source, Incoming&& incoming) {
  const RelayTag tag = RelayTag::from_wire(incoming.header.tag);
  const ConnectionId connection = incoming.connection;
  if (!roster_.is_other_worker(tag.rank) || tag.rank == source ||
      (!roster_.is_master() && source != 0)) {
    wire_->count_dropped(connection, "a relay to nobody");
    return;
  }
  auto inner = relayed_in(std::move(incoming));
  if (!inner) {
    wire_->count_dropped(connection, "a relay of no message");
  } else if (!roster_.is_master()) {
    process(std::move(*inner));
  } else if (Link* const target = links_.out(tag.rank);
             target != nullptr && is_relayed_to(*target)) {
    target->send_relay({source, tag.from_dialer}, inner->first,
                       inner->has_chunk ? &inner->chunk : nullptr);
  }
}

/// A rank that has left waits for acknowledgements of the others, until its connection ends.
bool ZmqChannel::is_relayed_to(const Link& target) const {
  const Departure* const departure = ledger_.mailbox().departure(target.rank());
  if (departure == nullptr) return true;
  return departure->kind == Departure::Kind::left && target.is_attached();
}

void ZmqChannel::process_reject(const Link& link, const Incoming& incoming) {
  const Reject reject = reject_of(incoming.body());
  const int rank = link.rank();
  if (rank == 0 && members_.is_closing()) {
    members_.leave_without_master(reject.text);
  } else if (rank == 0) {
    members_.lose_world(fmt::format("the master does not let this rank go on: {}", reject.text));
  } else if (members_.is_closing() && reject.refusal == Refusal::lost) {
    links_.forget_kept(rank);
  } else if (reject.refusal == Refusal::unknown && dialer_.is_direct(rank, incoming.connection)) {
    dialer_.leads_elsewhere(rank, reject.text);
  }  // else the master will tell what became of that worker
}

void ZmqChannel::process_abort(int source, const Incoming& incoming) {
  const auto abort = record_of<Abort>(incoming.body());
  const std::string host = abort.host.empty() ? "unknown host" : abort.host;
  const bool first = ledger_.end().record(abort.rank, host, abort.pid,
                                          static_cast<int>(ExitCode::aborted), abort.what);
  if (first && roster_.is_master()) members_.tell_workers(Kind::abort, encode(abort), source);
}

}  // namespace rankwire::zmq_wire
