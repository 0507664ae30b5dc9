#include "channel/ending.hpp"

#include <algorithm>
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
      tell_abort();
      await_told(*wire);
      wire->set_linger(std::chrono::milliseconds::zero());
    }
  } catch (const std::exception& error) {
    log().error("could not tell the others of the abort: {}", error.what());
  }
  made_ = true;
}

/// The abort goes over every link: a rank that computes may have one of them in its hands, and what
/// breaks is not waited for.
void Ending::tell_abort() {
  const Buffer body = encode(abort_);
  for (int rank = 0; rank < to_.roster.size(); ++rank) {
    if (!is_last_told(rank)) continue;
    for (Link* link : to_.links.both(rank)) {
      if (link != nullptr) link->send({.kind = Kind::abort, .bytes = body.size()}, body.bytes());
    }
  }
}

/// A master that has left hears the goodbye as well, since it serves on. The process must stay
/// until the other side has acknowledged it: a TCP connection that is closed with unread bytes is
/// reset in the other direction, too, and what was on it is lost.
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
    Link* const link = is_last_told(rank) ? last_link(rank) : nullptr;
    if (link == nullptr) continue;
    const Buffer& body = rank == 0 ? to_master : to_others;
    link->send({.kind = Kind::goodbye, .bytes = body.size()}, body.bytes());
  }
}

/// Over which link `rank` hears the goodbye: the one by which this rank sends, if there is one. The
/// other link must not be waited for: whoever knows that this rank has left does not call again by
/// it. Null if there is no link.
Link* Ending::last_link(int rank) const {
  const auto [out, in] = to_.links.both(rank);
  return out != nullptr ? out : in;
}

bool Ending::is_last_told(int rank) const {
  return rank == 0 || !to_.members.has_departed(rank);
}

bool Ending::all_confirmed() {
  return all_last_told([this](int rank) {
    const Link* const link = last_link(rank);
    return link == nullptr || link->all_acknowledged();
  });
}

/// Whether all others have acknowledged the abort on one of their links. Ranks beyond the relay do
/// not count: the master tells them, too.
bool Ending::all_told() {
  return all_last_told([this](int rank) {
    const auto links = to_.links.both(rank);
    const auto knows = [](const Link* link) {
      return link != nullptr && (link->all_acknowledged() || Relay::has(link->connection()));
    };
    const auto is_none = [](const Link* link) { return link == nullptr; };
    return std::ranges::any_of(links, knows) || std::ranges::all_of(links, is_none);
  });
}

/// Whether `is_done` is true of all ranks that are told the last. It is asked again and again while
/// thousands confirm, and so begins with the rank that was not done the last time.
template <class F>
bool Ending::all_last_told(const F& is_done) {
  const int ranks = to_.roster.size();
  for (int looked_at = 0; looked_at < ranks; ++looked_at) {
    if (is_last_told(not_done_) && !is_done(not_done_)) return false;
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
