#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "channel/zmq_channel.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"

// Who comes and goes (clauses 8, 10, 14). The master learns of every worker's end and tells the
// others. A goodbye comes behind all data of its connection, so it counts at once there;
// what the master tells of a worker may overtake that worker's own link, so it names the messages
// to await first.

namespace rankwire::zmq_wire {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t waiting_hellos_max = 1000;
/// The end of whoever has the place may come to be known a while after the next has called: so few
/// may wait for that without any sign of it.
constexpr std::chrono::milliseconds end_known_within{1000};
constexpr std::size_t waiting_without_sign_max = 16;

}  // namespace

/// At a running master: a newcomer, or somebody who is too late.
void ZmqChannel::process_hello(Incoming&& incoming) {
  const auto hello = hello_of(incoming);
  if (!hello) {
    wire_->drop(incoming.connection, "not from a rank of this world");
    return;
  }
  const int known = rank_with(hello->nonce);
  if (known > 0) {
    start_again(known, incoming.connection, hello->call);
    return;
  }
  auto reject = check_hello(incoming.header, *hello, settings_, size());
  if (const int former = absent_in_same_process(*hello); !reject && former > 0) {
    lose(former, "its process has begun anew");
  }
  const int place = vacant_place(hello->wanted_rank);
  if (!reject && place < 0) {
    if (waits_for_later(*hello, incoming)) return;
    reject = Reject{Refusal::full,
                    fmt::format("the world of {} ranks is complete and runs; {}", size(),
                                !settings_.takes_arrivals ? "this program takes no newcomers"
                                : hello->wanted_rank < 0  ? "nobody's place is free"
                                                          : "that rank is taken")};
  }
  if (reject) {
    refuse(*wire_, incoming.connection, *hello, *reject);
    return;
  }
  const Member member{place,
                      hello->host,
                      hello->pid,
                      hello->endpoint,
                      peer(place).member.incarnation + 1,
                      hello->key,
                      hello->piece_bytes};
  replace(member);
  peer(place).nonce = hello->nonce;
  peer(place).hello = hello->call;
  peer(place).first_probe = probe_first(*wire_, incoming.connection, hello->endpoint);
  tell_workers(Kind::arrived, encode(member), place);
  send_table(place, incoming.connection, true);
  adopt(place, incoming.connection, 0);
  look_at_first_probe(place);
}

/// The worker's connection broke before the start came to it.
void ZmqChannel::start_again(int rank, ConnectionId connection, std::uint32_t hello) {
  const Departure* const departure = mailbox_.departure(rank);
  if (departure != nullptr) {
    turn_away(connection, Refusal::lost, departure->reason);
    return;
  }
  Peer& there = peer(rank);
  const bool started = there.out && there.out->was_called();
  if (started || !is_newer(hello, there.hello)) {  // it has called again since
    if (!there.out || there.out->route() != connection) unlink(connection);
    return;
  }
  there.hello = hello;
  // Nothing of the link was received: who departed since the start is told over it once more.
  send_table(rank, connection, false);
  adopt(rank, connection, 0);
}

/// The rank out of reach that the process had which says hello, at the same address; -1: none. It
/// may still be heard there, and be waited for in vain.
int ZmqChannel::absent_in_same_process(const Hello& hello) const {
  for (int rank = 1; rank < size(); ++rank) {
    const Member& member = peer(rank).member;
    if (!peer(rank).absence.lost_at.is_never() && member.endpoint == hello.endpoint &&
        member.pid == hello.pid && member.host == hello.host) {
      return rank;
    }
  }
  return -1;
}

/// The rank of the process that said this in its hello; -1: none.
int ZmqChannel::rank_with(std::uint64_t nonce) const {
  for (int worker = 1; worker < size(); ++worker) {
    if (peer(worker).nonce == nonce) return worker;
  }
  return -1;
}

/// The end of whoever had the place may wait right behind the hello of the next, or not be certain
/// yet.
bool ZmqChannel::may_become_vacant(const Hello& hello, const Incoming& incoming) const {
  if (!settings_.takes_arrivals || leaving_ || waiting_hellos_.size() >= waiting_hellos_max) {
    return false;
  }
  if (!incoming.deferred) return true;
  for (int rank = 1; rank < size(); ++rank) {
    const bool wanted = hello.wanted_rank < 0 || hello.wanted_rank == rank;
    if (wanted && !peer(rank).absence.lost_at.is_never()) return true;
  }
  return !incoming.waits_until.expired() && waiting_hellos_.size() < waiting_without_sign_max;
}

/// Whoever finds no place here may find one later; says whether it waits for that.
bool ZmqChannel::waits_for_later(const Hello& hello, Incoming& incoming) {
  if (may_become_vacant(hello, incoming)) {
    wait_for_place(std::move(incoming));
    return true;
  }
  if (!comes_for_next_world(hello)) return false;
  // It stays, and sees by the end of its connection when this master may be another world's.
  wire_->let_in(incoming.connection);
  send_reject(*wire_, incoming.connection,
              {Refusal::later, "it still ends a world, and may open another one then"});
  return true;
}

/// A program may open one world after the other, and its workers are done with one before the
/// master is: when it closes, or waits for others while the place was left in order.
bool ZmqChannel::comes_for_next_world(const Hello& hello) const {
  if (leaving_) return true;
  for (int rank = 1; rank < size(); ++rank) {
    const bool wanted = hello.wanted_rank < 0 || hello.wanted_rank == rank;
    const Departure* const departure = mailbox_.departure(rank);
    if (wanted && departure != nullptr && departure->kind == Departure::Kind::left) return true;
  }
  return false;
}

void ZmqChannel::wait_for_place(Incoming&& incoming) {
  if (!incoming.deferred) {
    incoming.waits_until = end_known_within;
    wire_->defer(std::move(incoming));
    return;
  }
  wire_->let_in(incoming.connection);
  waiting_hellos_.push_back(std::move(incoming));
  run_timers();
}

/// The rank that a newcomer who wants `wanted` (or any, below 0) gets; -1: none.
int ZmqChannel::vacant_place(int wanted) const {
  if (!settings_.takes_arrivals || leaving_) return -1;
  for (int place = 1; place < size(); ++place) {
    if ((wanted < 0 || place == wanted) && mailbox_.departure(place)) return place;
  }
  return -1;
}

void ZmqChannel::send_table(int newcomer, ConnectionId connection, bool with_departed) {
  Start start{{}, {}, token_, settings_.window_bytes, settings_.message_bytes_max};
  for (int other = 0; other < size(); ++other) {
    start.members.push_back(peer(other).member);
    const Departure* const departure = mailbox_.departure(other);
    if (departure == nullptr || !with_departed) continue;
    const bool lost = departure->kind == Departure::Kind::lost;
    start.departed.push_back({other, lost, departure->reason, 0});
  }
  send_record(*wire_, connection, Kind::welcome, Welcome{size(), size(), {}, newcomer});
  send_record(*wire_, connection, Kind::start, start);
}

void ZmqChannel::process_arrived(const Member& member) {
  if (member.rank <= 0 || member.rank >= size() || member.rank == rank()) return;
  if (is_awaited(member.rank)) {
    tell_later(member.rank, member);
    return;
  }
  replace(member);
  adopt_early(member);
}

/// What the process that had the rank has sent may still come: it is received before anything is
/// said of the next one.
bool ZmqChannel::is_awaited(int rank) const {
  return peer(rank).departing || !peer(rank).later.empty();
}

void ZmqChannel::tell_later(int rank, Told&& told) {
  Peer& there = peer(rank);
  there.later.push_back(std::move(told));
  if (there.later.size() > later_max && there.departing) give_up_departing(rank);
  run_timers();
}

void ZmqChannel::follow_later(int rank) {
  while (!peer(rank).departing && !peer(rank).later.empty()) {
    const Told told = std::move(peer(rank).later.front());
    peer(rank).later.pop_front();
    if (const auto* const member = std::get_if<Member>(&told)) {
      replace(*member);
      adopt_early(*member);
    } else {
      begin_departing(std::get<Departed>(told));
    }
  }
}

/// A new process has the rank: everything between it and us begins anew.
void ZmqChannel::replace(const Member& member) {
  const int rank = member.rank;
  if (!mailbox_.departure(rank)) depart(rank, true, "another process took its place");
  expel(rank, "another process has taken its place");  // it may still close
  drop_links(rank);
  Peer fresh;
  fresh.member = member;
  fresh.later = std::move(peer(rank).later);
  peer(rank) = std::move(fresh);
  windows_.reset(rank);
  mailbox_.arrive({rank, member.host, member.pid});
}

void ZmqChannel::process_goodbye(Link& link, const Incoming& incoming) {
  const auto goodbye = decode<Goodbye>(incoming.body());
  link.acknowledge();
  const int source = link.rank();
  // Over our own link to it nothing else comes from there: the master tells what to await.
  if (&link == link_from(source)) depart(source, false, "closed its channel", goodbye.sent);
}

void ZmqChannel::process_departed(const Departed& departed) {
  if (departed.rank < 0 || departed.rank >= size() || departed.rank == rank()) return;
  if (is_awaited(departed.rank)) {
    tell_later(departed.rank, departed);
  } else {
    begin_departing(departed);
  }
}

void ZmqChannel::begin_departing(const Departed& departed) {
  if (mailbox_.departure(departed.rank)) return;
  peer(departed.rank).departing = departed;
  peer(departed.rank).departing_by = settings_.grace;
  await_last_of(departed.rank);
  finish_departing(departed.rank);
}

/// What a departing rank has sent may still come, and is waited for as long as it does: from one
/// that closes, for as long as it stays for that, its linger and again that of its sockets; from
/// one that is lost, for the grace, since it may live and send for ever.
void ZmqChannel::await_last_of(int rank) {
  Peer& there = peer(rank);
  there.departing_until = there.departing->lost
                              ? there.departing_by.sooner(silence_max(settings_))
                              : Deadline{std::max(settings_.grace, 2 * settings_.linger)};
  run_timers();
}

/// Makes known what the master told, once all that the rank had sent before has come.
void ZmqChannel::finish_departing(int rank) {
  Peer& there = peer(rank);
  const Departed departed = *there.departing;
  const Link* const link = link_from(rank);
  const bool nothing_under_way =
      link == nullptr || !link->is_attached() || is_relayed(link->route());
  const bool all_here =
      departed.lost ? nothing_under_way : there.received >= departed.messages_to_you;
  if (all_here) depart(rank, departed.lost, departed.reason);
}

/// Only once all that waits was taken in: what is missing may be among it.
void ZmqChannel::give_up_departing(int rank) {
  const Peer& there = peer(rank);
  const Departed departed = *there.departing;
  const auto missing = departed.lost ? 0 : departed.messages_to_you - there.received;
  depart(rank, true,
         missing == 0 ? departed.reason
                      : fmt::format("{}; {} messages it had sent here never came", departed.reason,
                                    missing));
}

void ZmqChannel::depart(int rank, bool lost, const std::string& reason,
                        const std::vector<Goodbye::Sent>& sent) {
  if (mailbox_.departure(rank)) return;
  unpack();
  Peer& there = peer(rank);
  there.departing.reset();
  there.departing_until = Deadline::never();
  there.dialing.look_at = Deadline::never();
  there.dialing.probe.reset();
  there.partial = {};
  there.partial_filled = 0;
  mailbox_.depart({rank, lost ? Departure::Kind::lost : Departure::Kind::left, there.member.host,
                   there.member.pid, reason});
  there.departed = true;
  if (lost) {
    if (is_master()) expel(rank, reason);
    drop_links(rank);
  } else if (rank != 0) {  // a master that has left still passes on and tells
    for (Link* const link : {there.out.get(), there.in.get()}) {
      if (link != nullptr) link->forget_kept();
    }
  }
  if (!is_master()) return;
  for (int reader = 1; reader < size(); ++reader) {
    if (reader == rank || !peer(reader).out || mailbox_.departure(reader)) continue;
    const auto told = std::find_if(sent.begin(), sent.end(),
                                   [&](const auto& entry) { return entry.rank == reader; });
    const Buffer body =
        encode(Departed{rank, lost, reason, told == sent.end() ? 0 : told->messages});
    peer(reader).out->send({.kind = Kind::departed, .bytes = body.size()}, body.bytes());
  }
}

/// Without the master nobody tells of the others.
void ZmqChannel::lose_world(const std::string& reason) {
  if (is_aborted()) return;
  wire_->stop_listening();  // a master that can reach this process shall not wait for it
  for (int other = 0; other < size(); ++other) {
    if (other == rank()) continue;
    peer(other).later.clear();
    depart(other, true, reason);
    drop_links(other);  // of one that had left before, too
  }
}

/// Of a rank that closes while another process has its place already: what it has sent is still on
/// its way to the others, but for what the master would relay.
void ZmqChannel::leave_without_master(const std::string& reason) {
  depart(0, true, reason);
  for (int other = 1; other < size(); ++other) {
    for (const auto* const link : {peer(other).out.get(), peer(other).in.get()}) {
      if (link != nullptr && is_relayed(link->route())) {
        drop_links(other);
        break;
      }
    }
  }
}

void ZmqChannel::process_abort(Link& link, const Incoming& incoming) {
  link.acknowledge();
  if (is_aborted()) return;
  note_aborted(record_of<Abort>(incoming.body()));
  if (is_master()) tell_workers(Kind::abort, encode(*aborted_), link.rank());
}

void ZmqChannel::tell_workers(Kind kind, const Buffer& body, int except) {
  for (int worker = 1; worker < size(); ++worker) {
    if (worker == except || !peer(worker).out || mailbox_.departure(worker)) continue;
    peer(worker).out->send({.kind = kind, .bytes = body.size()}, body.bytes());
  }
}

void ZmqChannel::do_close(Deadline serve_until) {
  const Turn turn{*turns_};
  leaving_ = true;
  address_file_.remove();  // whoever comes now is meant for the next master
  heed_abort();
  if (!is_aborted()) {
    say_goodbye();
    look_for_ways_now();
    const Deadline linger = settings_.linger;
    while (!all_confirmed() && !is_aborted() && !linger.expired()) pump(linger);
    if (is_master()) serve_others(serve_until);
  }
  // Those who have confirmed have read all; only for others is there something to send.
  if (!abort_done_) wire_->set_linger(all_confirmed() ? 0ms : settings_.linger);
  frames_dropped_ = wire_->frames_dropped();
  wire_.reset();
  check_aborted();
}

void ZmqChannel::say_goodbye() {
  Goodbye goodbye;
  for (int other = 0; other < size(); ++other) {
    if (peer(other).sent > 0) goodbye.sent.push_back({other, peer(other).sent});
  }
  const Buffer body = encode(goodbye);
  say_last_to_all(Kind::goodbye, body);
}

/// Something after which this process may end, to all that are linked; to a master that has left as
/// well, since it serves on. The process stays until the other side has confirmed it: a TCP
/// connection that is closed with bytes unread resets the other way too, and what was on it is
/// lost.
void ZmqChannel::say_last_to_all(Kind kind, const Buffer& body) {
  for (Link* const link : last_links())
    link->send({.kind = kind, .bytes = body.size()}, body.bytes());
}

std::vector<Link*> ZmqChannel::last_links() const {
  std::vector<Link*> links;
  for (const Peer& there : peers_) {
    if (there.departed && there.member.rank != 0) continue;
    for (Link* const link : {there.out.get(), there.in.get()}) {
      if (link != nullptr) links.push_back(link);
    }
  }
  return links;
}

/// Whether all that was sent has been received, as far as somebody is there to receive it.
bool ZmqChannel::all_confirmed() const {
  const auto links = last_links();
  return std::all_of(links.begin(), links.end(),
                     [](const Link* link) { return link->all_acknowledged(); });
}

/// The workers hear of each other through the master; it stays for them after its own goodbye.
void ZmqChannel::serve_others(Deadline serve_until) {
  constexpr std::chrono::seconds say_each{10};
  Deadline next_report{say_each};
  while (mailbox_.remaining() > 0 && !is_aborted() && !serve_until.expired()) {
    pump(serve_until.sooner(next_report));
    if (!next_report.expired()) continue;
    log().info("rank 0 is done; it stays for {}", remaining_ranks());
    next_report = say_each;
  }
}

std::string ZmqChannel::remaining_ranks() const {
  std::vector<int> ranks;
  for (int other = 1; other < size(); ++other) {
    if (!mailbox_.departure(other)) ranks.push_back(other);
  }
  constexpr std::size_t named_max = 20;
  const std::size_t more = ranks.size() - std::min(ranks.size(), named_max);
  ranks.resize(ranks.size() - more);
  return fmt::format("rank{} {}{}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace rankwire::zmq_wire
