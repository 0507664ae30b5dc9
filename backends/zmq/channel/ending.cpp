#include "channel/ending.hpp"

#include <chrono>
#include <new>

#include "rankwire/backend/host.hpp"
#include "rankwire/backend/log.hpp"

namespace rankwire::zmq_wire {
namespace {

/// The others have this long to acknowledge the abort.
constexpr std::chrono::seconds told_within{1};

}  // namespace

void Ending::ask_abort(int exit_code, const std::string& what) noexcept {
  const std::lock_guard lock{mutex_};
  if (asked_) return;
  abort_.rank = to_.roster.self();
  abort_.pid = process_id();
  abort_.exit_code = exit_code;
  try {
    abort_.host = host_name();
    abort_.what = what.substr(0, cause_bytes_max);
  } catch (const std::bad_alloc&) {  // without the texts then
  }
  asked_.store(true, std::memory_order_release);
}

void Ending::make_abort(Wire* wire) noexcept {
  WorldEnd& end = to_.ledger.end();
  try {
    if (wire != nullptr &&
        end.record(abort_.rank, abort_.host, abort_.pid, abort_.exit_code, abort_.what)) {
      wire->heed_interrupts(false);
      say_to_all(Kind::abort, encode(abort_));
      await_told(*wire);
      wire->set_linger(std::chrono::milliseconds::zero());
    }
  } catch (const std::exception& error) {
    log().error("could not tell the others of the abort: {}", error.what());
  }
  made_ = true;
}

void Ending::say_goodbye() {
  to_.members.tell_departures();
  Goodbye goodbye;  // for the master, which tells others what they must await
  for (int rank = 0; rank < to_.roster.size(); ++rank) {
    if (const auto messages = to_.outbox.messages_to(rank); messages > 0) {
      goodbye.sent.push_back({rank, messages});
    }
  }
  const Buffer to_master = encode(goodbye), to_others = encode(Goodbye{});
  for (int rank = 0; rank < to_.roster.size(); ++rank) {
    say_last(rank, Kind::goodbye, rank == 0 ? to_master : to_others);
  }
}

void Ending::say_to_all(Kind kind, const Buffer& body) {
  for (int rank = 0; rank < to_.roster.size(); ++rank) say_last(rank, kind, body);
}

/// Over which link `rank` is told the last: the one by which this rank sends, if there is one. The
/// other link must not be waited for: whoever knows that this rank has left does not call again by
/// it. Null if there is no link.
Link* Ending::last_link(int rank) const {
  const auto [out, in] = to_.links.both(rank);
  return out != nullptr ? out : in;
}

/// Sends the last frame to `rank`. A master that has left gets it as well, since
/// it serves on. The process must stay until the other side has acknowledged it: if a TCP
/// connection is closed with unread bytes, it is reset in the other direction, too, and what was on
/// it is lost.
void Ending::say_last(int rank, Kind kind, const Buffer& body) {
  if (!is_last_told(rank)) return;
  Link* const link = last_link(rank);
  if (link != nullptr) link->send({.kind = kind, .bytes = body.size()}, body.bytes());
}

bool Ending::is_last_told(int rank) const {
  return rank == 0 || !to_.members.has_departed(rank);
}

bool Ending::all_confirmed() {
  return all_last_links([](const Link& link) { return link.all_acknowledged(); });
}

/// Whether all others have acknowledged the abort. Ranks beyond the relay do not count: the master
/// tells them, too.
bool Ending::all_told() {
  return all_last_links(
      [](const Link& link) { return link.all_acknowledged() || Relay::has(link.connection()); });
}

/// Whether `is_done` is true for all links on which the last frame goes out. It is asked again and
/// again while thousands confirm, and so begins with the rank that was not done the last time.
template <class F>
bool Ending::all_last_links(const F& is_done) {
  const int ranks = to_.roster.size();
  for (int looked_at = 0; looked_at < ranks; ++looked_at) {
    if (is_last_told(not_done_)) {
      const Link* const link = last_link(not_done_);
      if (link != nullptr && !is_done(*link)) return false;
    }
    not_done_ = (not_done_ + 1) % ranks;
  }
  return true;
}

void Ending::await_told(Wire& wire) {
  const Deadline told = told_within;
  while (!all_told() && !told.expired()) {
    if (const auto incoming = wire.receive(told)) take_answer(*incoming);
  }
}

void Ending::take_answer(const Incoming& incoming) {
  const ConnectionId connection = to_.links.way_of(incoming.connection, incoming.header);
  Link* const link = to_.links.at(connection);
  if (incoming.what == Incoming::What::frame && incoming.header.kind == Kind::link) {
    answer_call(incoming, connection);
  } else if (link == nullptr) {
    return;
  } else if (incoming.what == Incoming::What::up) {
    to_.dialer.is_up(*link, connection, incoming.anew);
  } else if (incoming.what == Incoming::What::frame) {
    (void)link->take(incoming.header, incoming.first.size() + incoming.chunk.size());
  } else if (incoming.what == Incoming::What::down && link->connection() == connection) {
    link->detach();
  }
}

/// Answers the call of a rank of this world whose connection broke.
void Ending::answer_call(const Incoming& incoming, ConnectionId connection) try {
  const auto hello = decode<LinkHello>(incoming.body());
  const Roster& roster = to_.roster;
  const bool is_ours = hello.token == to_.links.token() && hello.to_rank == roster.self() &&
                       roster.is_other_worker(hello.rank);
  if (!is_ours || to_.members.has_departed(hello.rank) ||
      hello.incarnation != roster[hello.rank].incarnation) {
    return;
  }
  to_.members.adopt_call(hello, connection, incoming.header.ack);
} catch (const DecodeError&) {  // not a call of this world
}

}  // namespace rankwire::zmq_wire
