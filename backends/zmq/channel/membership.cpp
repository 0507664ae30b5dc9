#include "channel/membership.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "meeting/admission.hpp"

namespace rankwire::zmq_wire {

Membership::Membership(const Parts& parts)
    : wire_{parts.wire},
      links_{parts.links},
      dialer_{parts.dialer},
      inbox_{parts.inbox},
      outbox_{parts.outbox},
      ledger_{parts.ledger},
      roster_{parts.roster},
      settings_{parts.settings},
      absences_{parts.roster, parts.settings, parts.looks},
      departures_{parts.roster.size(), parts.ledger, parts.settings, parts.looks},
      newcomers_{parts.roster, parts.ledger.mailbox(), absences_, parts.settings, parts.looks},
      tidings_{parts.links},
      signs_{parts.wire, parts.links, parts.roster, parts.settings, parts.patience},
      looks_{parts.looks} {}

void Membership::begin(Session& session) {
  departures_.share_host(session.host_ranks);
  const int connections = static_cast<int>(session.connections.size());
  for (int rank = 0; rank < connections; ++rank) {
    const auto at = static_cast<std::size_t>(rank);
    if (roster_.is_master()) newcomers_.admit(rank, session.nonces[at], session.hellos[at]);
    if (session.connections[at] == 0) continue;
    adopt(rank, session.connections[at], 0);
    signs_.begin(rank);
    if (roster_.is_master()) absences_.probe_first(rank, std::move(session.first_probes[at]));
  }
  if (!roster_.is_master()) absences_.probe_at(0, std::move(session.dialed));
}

void Membership::adopt(int rank, ConnectionId connection, std::uint32_t received) {
  if (links_.tie(rank, connection, received)) {
    is_back(rank);
  } else {
    wire_.count_dropped(connection, "a link that counts other frames than were sent");
  }
}

void Membership::adopt_call(const LinkHello& hello, ConnectionId connection,
                            std::uint32_t received) {
  const bool first = links_.from(hello.rank) == nullptr;
  if (!links_.heed_call(hello, connection)) return;
  adopt(hello.rank, connection, received);
  Link& link = *links_.from(hello.rank);
  if (first) (void)link.heed_call(hello.call);
  link.acknowledge();
  dialer_.find_way(hello.rank);
}

void Membership::hub_is_down(int rank, bool exited) {
  signs_.went(rank);
  if (exited) {
    lose(rank, "its process has exited without a goodbye");
  } else if (const auto reason = absences_.begin(rank, has_departed(rank), signs_.judges(rank))) {
    lose(rank, *reason);
  }
}

void Membership::take_hello(Incoming&& incoming) {
  const ConnectionId connection = incoming.connection;
  const auto hello = hello_of(incoming);
  if (!hello) {
    wire_.count_dropped(connection, "not from a rank of this world");
    return;
  }
  if (const int known = newcomers_.rank_with(hello->nonce); known > 0) {
    start_again(known, connection, hello->call);
    return;
  }
  auto reject = check_hello(incoming.header, *hello, settings_, roster_.size());
  if (const int former = newcomers_.absent_in_same_process(*hello); !reject && former > 0) {
    lose(former, "its process has begun anew");
  }
  const int place = newcomers_.vacant_place(hello->wanted_rank);
  if (!reject && place < 0) {
    const auto patience = newcomers_.wait(*hello, incoming, wire_);
    if (patience == Newcomers::Patience::waits) return;
    if (patience == Newcomers::Patience::comes_again) {
      // The worker stays. It sees by the end of its connection when this master may open another
      // world.
      wire_.let_in(connection);
      send_reject(wire_, connection,
                  {Refusal::later, "it still ends a world, and may open another one then"});
      return;
    }
    reject =
        Reject{Refusal::full, fmt::format("the world of {} ranks is complete and runs; {}",
                                          roster_.size(), newcomers_.no_place(hello->wanted_rank))};
  }
  if (reject) {
    refuse(wire_, connection, *hello, *reject);
  } else {
    let_in(place, *hello, connection);
  }
}

void Membership::let_in(int place, const Hello& hello, ConnectionId connection) {
  const Member member = member_of(hello, place, roster_[place].incarnation + 1);
  replace(member);
  tell_departures();  // before the others hear who comes
  newcomers_.admit(place, hello.nonce, hello.call);
  auto probe = probe_first(wire_, connection, hello.endpoint);
  tell_workers(Kind::arrived, encode(member), place);
  send_table(place, connection, true);
  adopt(place, connection, 0);
  signs_.begin(place);
  absences_.probe_first(place, std::move(probe));
}

/// Sends the start again: the worker's connection broke before the start had reached it.
void Membership::start_again(int rank, ConnectionId connection, std::uint32_t hello) {
  if (const Departure* const departure = ledger_.mailbox().departure(rank)) {
    links_.turn_away(connection, Refusal::lost, departure->reason);
    return;
  }
  const Link* const link = links_.out(rank);
  const bool started = link != nullptr && link->was_called();
  if (started || !newcomers_.heed_hello(rank, hello)) {  // the worker has called again since
    if (link == nullptr || link->connection() != connection) links_.unlink(connection);
    return;
  }
  // The worker has received no frame of the link. So the link tells it again who departed since the
  // start.
  send_table(rank, connection, false);
  adopt(rank, connection, 0);
}

void Membership::send_table(int newcomer, ConnectionId connection, bool with_departed) {
  const int size = roster_.size();
  const MemoryLimits& limits = ledger_.limits();
  Start start{size,
              {},
              {},
              links_.token(),
              limits.window_bytes,
              limits.share_bytes,
              settings_.message_bytes_max};
  int host_ranks = 0;
  for (int rank = 0; rank < size; ++rank) {
    const Member& member = roster_[rank];
    host_ranks += member.host == roster_[newcomer].host ? 1 : 0;
    // Of one who is not the first with a rank, the number among those must be known to all.
    if (rank == 0 || size <= told_members_max || member.incarnation > 0) {
      start.members.push_back(member);
    }
    const Departure* const departure = ledger_.mailbox().departure(rank);
    if (departure == nullptr || !with_departed) continue;
    const bool lost = departure->kind == Departure::Kind::lost;
    start.departed.push_back({rank, lost, departure->reason, 0});
  }
  send_record(wire_, connection, Kind::welcome, Welcome{size, size, {}, newcomer, host_ranks});
  send_record(wire_, connection, Kind::start, start);
}

void Membership::look_at_waiting_hellos() {
  for (auto& hello : newcomers_.take_waiting_hellos()) take_hello(std::move(hello));
}

void Membership::take_goodbye(Link& link, Goodbye&& goodbye) {
  link.acknowledge();
  const int source = link.rank();
  // If the goodbye comes over the link by which this rank sends, no messages come there. The master
  // then tells how many to await.
  if (&link == links_.from(source)) {
    depart(source, {Departure::Kind::left, left_reason}, std::move(goodbye));
  }
}

void Membership::take_told(Departures::Told&& told) {
  const auto rank_in = [](const auto& record) { return record.rank; };
  const int rank = std::visit(rank_in, told);
  if (!departures_.tell_later(rank, std::move(told))) {
    depart(rank, departures_.give_up(rank));
  }
}

/// What the process before has sent may still come. It is received before anything is done for the
/// next process.
std::optional<Member> Membership::follow(int rank) {
  while (const auto told = departures_.take_later(rank)) {
    if (const auto* const member = std::get_if<Member>(&*told)) {
      replace(*member);
      return *member;
    }
    departures_.begin(std::get<Departed>(*told));
    look_at_departing(rank);
  }
  return std::nullopt;
}

void Membership::message_came(int rank) {
  if (!departures_.is_departing(rank)) return;
  departures_.heard_from(rank);
  look_at_departing(rank);
}

void Membership::look_at_departing(int rank) {
  if (!departures_.is_departing(rank)) return;
  if (const auto end = departures_.finished(rank, links_.nothing_comes_from(rank))) {
    depart(rank, *end);
  }
}

void Membership::give_up_late(int rank) {
  look_at_departing(rank);
  if (departures_.is_departing(rank) && departures_.is_late(rank)) {
    depart(rank, departures_.give_up(rank));
  }
}

void Membership::look_for_signs() {
  signs_.look([this](int rank) {
    lose(rank,
         fmt::format(
             "no sign of life came from it for {} ms (--grace): it is stopped, or out of reach",
             settings_.grace.count()));
  });
}

void Membership::look_at_absent() {
  for (const auto& loss : absences_.look()) lose(loss.rank, loss.reason);
}

bool Membership::needs_look() const {
  return tidings_.has_any() || newcomers_.has_waiting_hellos() || departures_.needs_look() ||
         absences_.needs_look();
}

void Membership::lose(int rank, const std::string& reason) {
  if (roster_.is_master()) {
    depart(rank, {Departure::Kind::lost, reason});
  } else {
    lose_world(
        fmt::format("the master, through which ranks hear of each other, is lost: {}", reason));
  }
}

void Membership::lose_world(const std::string& reason) {
  if (ledger_.end().has_come()) return;
  wire_.stop_listening();  // so that a master that can reach this process does not wait for it
  for (int rank = 0; rank < roster_.size(); ++rank) {
    if (rank == roster_.self()) continue;
    departures_.forget_later(rank);
    depart(rank, {Departure::Kind::lost, reason});
    drop_links(rank);  // also if it had left before
  }
}

void Membership::leave_without_master(const std::string& reason) {
  depart(0, {Departure::Kind::lost, reason});
  for (int rank = 1; rank < roster_.size(); ++rank) {
    if (links_.is_relayed(rank)) drop_links(rank);
  }
}

/// `rank` departs. Does nothing if it has departed already.
void Membership::depart(int rank, const Departures::End& end, Goodbye&& goodbye) {
  if (!is_there(rank)) return;
  const bool lost = end.kind == Departure::Kind::lost;
  inbox_.unpack();
  inbox_.forget_pieces(rank);
  dialer_.stop_looking(rank);
  ledger_.depart(rank, end.kind, end.reason);
  departures_.depart(rank);
  if (rank != 0 || lost) signs_.end(rank);  // a master that has left serves on
  if (lost) {
    if (roster_.is_master()) links_.expel(rank, end.reason);
    drop_links(rank);
  } else if (rank != 0) {  // a master that has left still relays, and tells of others
    links_.forget_kept(rank);
  }
  if (!roster_.is_master()) return;
  tidings_.add({rank, lost, end.reason, std::move(goodbye)});
  looks_.begin();
  tell_departures_if_due();
}

void Membership::tell_departures() {
  tidings_.tell(roster_.size(), [this](int reader) { return is_there(reader); });
}

void Membership::drop_links(int rank) {
  for (const Link* const link : links_.both(rank)) outbox_.forget(link);
  links_.drop(rank);
  dialer_.forget(rank);
  absences_.forget(rank);
}

/// A new process has the rank. All counts and links with it begin anew.
void Membership::replace(const Member& member) {
  const int rank = member.rank;
  if (is_there(rank)) depart(rank, {Departure::Kind::lost, "another process took its place"});
  links_.expel(rank,
               "another process has taken its place");  // the old process may still live, and close
  drop_links(rank);
  roster_.learn(member);
  inbox_.forget_pieces(rank);
  absences_.begin_anew(rank);
  departures_.begin_anew(rank);
  outbox_.begin_anew(rank);
  ledger_.arrive(Roster::peer_of(member));
}

void Membership::answer(int asker, std::uint32_t rank) {
  const bool is_rank = rank < static_cast<std::uint32_t>(roster_.size());
  if (!roster_.is_master() || !is_rank) return;
  links_.tell(asker, Kind::member, encode(roster_[static_cast<int>(rank)]));
}

/// The number of the process is known before: of a later one the master tells when it comes.
void Membership::learn(Member&& member) {
  if (!roster_.is_other_worker(member.rank) || roster_.knows(member.rank) ||
      member.incarnation != roster_[member.rank].incarnation) {
    return;
  }
  ledger_.learn(Roster::peer_of(member));
  const int rank = member.rank;
  roster_.learn(std::move(member));
  if (is_there(rank)) dialer_.is_known(rank);
}

void Membership::tell_workers(Kind kind, const Buffer& body, int except) {
  for (int worker = 1; worker < roster_.size(); ++worker) {
    if (worker != except && is_there(worker)) links_.tell(worker, kind, body);
  }
}

std::string Membership::remaining_ranks() const {
  std::vector<int> ranks;
  for (int rank = 1; rank < roster_.size(); ++rank) {
    if (is_there(rank)) ranks.push_back(rank);
  }
  constexpr std::size_t named_max = 20;
  const std::size_t more = ranks.size() - std::min(ranks.size(), named_max);
  ranks.resize(ranks.size() - more);
  return fmt::format("rank{} {}{}", ranks.size() == 1 ? "" : "s", fmt::join(ranks, ", "),
                     more > 0 ? fmt::format(" and {} more", more) : "");
}

}  // namespace rankwire::zmq_wire
