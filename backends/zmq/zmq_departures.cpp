#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"
#include "zmq_channel.hpp"

// Who comes and goes (clauses 8, 10, 11, 14). The master sees every worker's connection end and
// tells the others. A goodbye comes behind all data of its connection, so it counts at once there;
// what the master tells of a worker may overtake that worker's own link, so it names the messages
// to await first.

namespace rankwire::zmq_wire {

void ZmqChannel::process_link(Incoming&& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto early = early_links_.find(connection);
  if (early != early_links_.end()) {
    early->second.frames.push_back(std::move(incoming));
    return;
  }
  Link link;
  try {
    if (incoming.header.kind == Kind::link) link = decode<Link>(incoming.body());
  } catch (const DecodeError&) {
    link = {};
  }
  if (link.token != token_ || link.rank <= 0 || link.rank >= size() || link.rank == rank()) {
    wire_->drop(connection, "not a link of this world");
    return;
  }
  const auto incarnation = peer(link.rank).member.incarnation;
  if (link.incarnation == incarnation && peer(link.rank).in == 0) {
    adopt_link(connection, {link, {}});
  } else if (link.incarnation > incarnation) {
    early_links_[connection] = {link, {}};
  } else {
    wire_->drop(connection, "a link of a rank that has one already");
  }
}

void ZmqChannel::adopt_link(ConnectionId connection, EarlyLink&& early) {
  peer(early.link.rank).in = connection;
  rank_of_[connection] = early.link.rank;
  for (auto& frame : early.frames) process(std::move(frame));
}

/// At a running master: a newcomer, or somebody who is too late.
void ZmqChannel::process_hello(Incoming&& incoming) {
  const auto hello = hello_of(incoming);
  if (!hello) {
    wire_->drop(incoming.connection, "not from a rank of this world");
    return;
  }
  auto reject = check_hello(incoming.header, *hello, settings_, size());
  const int place = vacant_place(hello->wanted_rank);
  if (!reject && place < 0) {
    // The end of whoever had the place may wait right behind the hello of the next.
    if (!incoming.deferred) {
      wire_->defer(std::move(incoming));
      return;
    }
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
  const Member member{place, hello->host, hello->pid, hello->endpoint,
                      peer(place).member.incarnation + 1};
  replace(member, incoming.connection);
  tell_workers(Kind::arrived, encode(member), place);
  send_table(place);
}

/// The rank that a newcomer who wants `wanted` (or any, below 0) gets; -1: none.
int ZmqChannel::vacant_place(int wanted) const {
  if (!settings_.takes_arrivals || leaving_) return -1;
  for (int place = 1; place < size(); ++place) {
    if ((wanted < 0 || place == wanted) && mailbox_.departure(place)) return place;
  }
  return -1;
}

void ZmqChannel::send_table(int newcomer) {
  Start start{newcomer, {}, {}, token_, settings_.window_bytes, settings_.message_bytes_max};
  for (int other = 0; other < size(); ++other) {
    start.members.push_back(peer(other).member);
    const Departure* const departure = mailbox_.departure(other);
    if (departure == nullptr) continue;
    const bool lost = departure->kind == Departure::Kind::lost;
    start.departed.push_back({other, lost, departure->reason, 0});
  }
  send_record(*wire_, peer(newcomer).out, Kind::start, start);
}

void ZmqChannel::process_arrived(const Member& member) {
  if (member.rank <= 0 || member.rank >= size() || member.rank == rank()) return;
  replace(member, 0);
  for (auto early = early_links_.begin(); early != early_links_.end(); ++early) {
    const Link& link = early->second.link;
    if (link.rank != member.rank || link.incarnation != member.incarnation) continue;
    const ConnectionId connection = early->first;
    EarlyLink adopted = std::move(early->second);
    early_links_.erase(early);
    adopt_link(connection, std::move(adopted));
    return;
  }
}

/// A new process has the rank: everything between it and us begins anew.
void ZmqChannel::replace(const Member& member, ConnectionId connection) {
  const int rank = member.rank;
  if (!mailbox_.departure(rank)) depart(rank, true, "another process took its place");
  drop_links(rank);
  Peer fresh;
  fresh.member = member;
  fresh.in = fresh.out = connection;
  peer(rank) = std::move(fresh);
  if (connection != 0) rank_of_[connection] = rank;
  windows_.reset(rank);
  mailbox_.arrive({rank, member.host, member.pid});
}

void ZmqChannel::drop_links(int rank) {
  Peer& there = peer(rank);
  for (const ConnectionId link : {there.in, there.out}) {
    if (link == 0) continue;
    rank_of_.erase(link);
    wire_->hang_up(link);
  }
  there.in = there.out = 0;
  there.out_must_stand = Deadline::never();
}

void ZmqChannel::process_goodbye(int source, const Incoming& incoming) {
  const auto goodbye = decode<Goodbye>(incoming.body());
  Peer& there = peer(source);
  there.said_goodbye = true;
  wire_->send(incoming.connection, {.kind = Kind::farewell}, {});
  // Over our own link to it nothing else comes from there: the master tells what to await.
  if (incoming.connection == there.in) depart(source, false, "closed its channel", goodbye.sent);
}

void ZmqChannel::process_departed(const Departed& departed) {
  if (departed.rank < 0 || departed.rank >= size()) return;
  if (departed.rank == rank()) {
    lose_world(fmt::format("the master holds this rank for lost: {}", departed.reason));
    return;
  }
  Peer& there = peer(departed.rank);
  if (mailbox_.departure(departed.rank)) return;
  there.said_goodbye = there.said_goodbye || !departed.lost;
  there.departing = departed;
  there.departing_until = settings_.grace;
  timers_run_ = true;
  finish_departing(departed.rank);
}

/// Makes known what the master told, once all that the rank had sent before has come.
void ZmqChannel::finish_departing(int rank) {
  Peer& there = peer(rank);
  const Departed departed = *there.departing;
  const bool all_here = departed.lost ? there.in == 0 : there.received >= departed.messages_to_you;
  if (all_here) {
    depart(rank, departed.lost, departed.reason);
  } else if (there.departing_until.expired()) {
    const auto missing = departed.lost ? 0 : departed.messages_to_you - there.received;
    depart(rank, true,
           missing == 0 ? departed.reason
                        : fmt::format("{}; {} messages it had sent here never came",
                                      departed.reason, missing));
  }
}

void ZmqChannel::depart(int rank, bool lost, const std::string& reason,
                        const std::vector<Goodbye::Sent>& sent) {
  if (mailbox_.departure(rank)) return;
  Peer& there = peer(rank);
  there.departing.reset();
  there.departing_until = Deadline::never();
  there.partial = {};
  there.partial_filled = 0;
  mailbox_.depart({rank, lost ? Departure::Kind::lost : Departure::Kind::left, there.member.host,
                   there.member.pid, reason});
  if (!is_master()) return;
  for (int reader = 1; reader < size(); ++reader) {
    if (reader == rank || peer(reader).out == 0 || mailbox_.departure(reader)) continue;
    const auto told = std::find_if(sent.begin(), sent.end(),
                                   [&](const auto& entry) { return entry.rank == reader; });
    send_record(*wire_, peer(reader).out, Kind::departed,
                Departed{rank, lost, reason, told == sent.end() ? 0 : told->messages});
  }
}

void ZmqChannel::process_down(ConnectionId connection) {
  early_links_.erase(connection);
  unconfirmed_.erase(connection);
  const auto found = rank_of_.find(connection);
  if (found == rank_of_.end()) return;
  const int rank = found->second;
  rank_of_.erase(found);
  Peer& there = peer(rank);
  if (connection == there.out) {
    there.out = 0;
    there.out_must_stand = Deadline::never();
  }
  if (connection == there.in) there.in = 0;
  wire_->hang_up(connection);  // or libzmq would mend it, and we would talk to a stranger
  const bool known = mailbox_.departure(rank) != nullptr;
  if (!is_master() && rank == 0) {
    lose_world(known ? "the master, through which ranks hear of each other, has gone"
                     : "the connection to the master closed without a goodbye");
  } else if (known) {
    return;
  } else if (there.departing) {
    finish_departing(rank);
  } else if (!there.said_goodbye) {
    depart(rank, true, "its connection closed without a goodbye");
  }
}

/// Without the master nobody tells of the others.
void ZmqChannel::lose_world(const std::string& reason) {
  if (aborted_) return;
  for (int other = 0; other < size(); ++other) {
    if (other != rank()) depart(other, true, reason);
  }
}

void ZmqChannel::look_at_timers() {
  timers_run_ = false;
  for (int other = 0; other < size(); ++other) {
    Peer& there = peer(other);
    if (there.departing) finish_departing(other);
    if (there.out_must_stand.expired()) {
      depart(other, true,
             fmt::format("it could not be reached at {} within {} ms", there.member.endpoint,
                         settings_.grace.count()));
      drop_links(other);
    }
    timers_run_ = timers_run_ || there.departing || !there.out_must_stand.is_never();
  }
}

void ZmqChannel::process_abort(int source, const Incoming& incoming) {
  wire_->send(incoming.connection, {.kind = Kind::farewell}, {});
  if (aborted_) return;
  aborted_ = decode<Abort>(incoming.body());
  if (is_master()) tell_workers(Kind::abort, encode(*aborted_), source);
}

void ZmqChannel::tell_workers(Kind kind, const Buffer& body, int except) {
  for (int worker = 1; worker < size(); ++worker) {
    if (worker == except || peer(worker).out == 0 || mailbox_.departure(worker)) continue;
    wire_->send(peer(worker).out, {.kind = kind, .tag = protocol_version, .bytes = body.size()},
                body.bytes());
  }
}

void ZmqChannel::do_close(Deadline serve_until) {
  leaving_ = true;
  address_file_.remove();  // whoever comes now is meant for the next master
  if (!aborted_) {
    say_goodbye();
    await_farewells(settings_.linger);
    if (is_master()) serve_others(serve_until);
  }
  // Those who have said farewell have read all; only for others is there something to send.
  wire_->set_linger(unconfirmed_.empty() ? std::chrono::milliseconds::zero() : settings_.linger);
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

/// To all that are linked; to a master that has left as well, since it serves on.
void ZmqChannel::say_last_to_all(Kind kind, const Buffer& body) {
  for (int other = 0; other < size(); ++other) {
    if (other != 0 && mailbox_.departure(other)) continue;
    for (const ConnectionId link : {peer(other).out, peer(other).in}) say_last(link, kind, body);
  }
}

/// Says something after which this process may end. It stays until the other side has read it:
/// a TCP connection that is closed with bytes unread resets the other way too, and what was on it
/// is lost.
void ZmqChannel::say_last(ConnectionId connection, Kind kind, const Buffer& body) {
  if (connection == 0 || unconfirmed_.contains(connection)) return;
  const Header header{kind, protocol_version, body.size()};
  if (wire_->send(connection, header, body.bytes())) unconfirmed_.insert(connection);
}

void ZmqChannel::await_farewells(Deadline deadline) {
  while (!unconfirmed_.empty() && !deadline.expired()) pump(deadline);
}

/// The workers hear of each other through the master; it stays for them after its own goodbye.
void ZmqChannel::serve_others(Deadline serve_until) {
  constexpr std::chrono::seconds say_each{10};
  Deadline next_report{say_each};
  while (mailbox_.remaining() > 0 && !aborted_ && !serve_until.expired()) {
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

void ZmqChannel::do_abort(int exit_code, const std::string& what) noexcept {
  constexpr std::chrono::seconds told_within{1};
  constexpr std::size_t cause_bytes_max = 4096;
  try {
    if (!wire_ || aborted_) return;
    aborted_ = Abort{rank(), host_name(), process_id(), exit_code, what.substr(0, cause_bytes_max)};
    say_last_to_all(Kind::abort, encode(*aborted_));
    wire_->ignore_interrupts();
    await_farewells(told_within);
    wire_->set_linger(std::chrono::milliseconds::zero());
  } catch (const std::exception& error) {
    log().error("could not tell the others of the abort: {}", error.what());
  }
}

}  // namespace rankwire::zmq_wire
