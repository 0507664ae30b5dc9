#include "channel/newcomers.hpp"

#include <chrono>

namespace rankwire::zmq_wire {
namespace {

constexpr std::size_t waiting_max = 1000;
/// The master may learn of the end of a process some time after the next one has called for its
/// place. This many hellos may wait for that without any sign of such an end.
constexpr std::chrono::milliseconds end_known_within{1000};
constexpr std::size_t waiting_without_sign_max = 16;

bool is_wanted(int rank, const Hello& hello) {
  return hello.wanted_rank < 0 || hello.wanted_rank == rank;
}

}  // namespace

int Newcomers::rank_with(std::uint64_t nonce) const {
  for (int rank = 1; rank < roster_.size(); ++rank) {
    if (known_[static_cast<std::size_t>(rank)].nonce == nonce) return rank;
  }
  return -1;
}

bool Newcomers::heed_hello(int rank, std::uint32_t hello) {
  if (!is_newer(hello, of(rank).hello)) return false;
  of(rank).hello = hello;
  return true;
}

int Newcomers::absent_in_same_process(const Hello& hello) const {
  for (int rank = 1; rank < roster_.size(); ++rank) {
    const Member& member = roster_[rank];
    if (absences_.is_absent(rank) && member.endpoint == hello.endpoint && member.pid == hello.pid &&
        member.host == hello.host) {
      return rank;
    }
  }
  return -1;
}

int Newcomers::vacant_place(int wanted) const {
  if (!settings_.takes_arrivals || closing_) return -1;
  for (int place = 1; place < roster_.size(); ++place) {
    if ((wanted < 0 || place == wanted) && mailbox_.departure(place)) return place;
  }
  return -1;
}

std::string Newcomers::no_place(int wanted) const {
  if (!settings_.takes_arrivals) return "this program takes no newcomers";
  return wanted < 0 ? "nobody's place is free" : "that rank is taken";
}

Newcomers::Patience Newcomers::wait(const Hello& hello, Incoming& incoming, Wire& wire) {
  if (!may_become_vacant(hello, incoming)) {
    return comes_for_next_world(hello) ? Patience::comes_again : Patience::none;
  }
  if (!incoming.deferred) {
    incoming.waits_until = end_known_within;
    wire.defer(std::move(incoming));
    return Patience::waits;
  }
  wire.let_in(incoming.connection);
  waiting_hellos_.push_back(std::move(incoming));
  looks_.begin();
  return Patience::waits;
}

/// Whether a place may become free soon. The end of the process that had it may stand right behind
/// this hello, or may not be certain yet.
bool Newcomers::may_become_vacant(const Hello& hello, const Incoming& incoming) const {
  if (!settings_.takes_arrivals || closing_ || waiting_hellos_.size() >= waiting_max) return false;
  if (!incoming.deferred) return true;
  for (int rank = 1; rank < roster_.size(); ++rank) {
    if (is_wanted(rank, hello) && absences_.is_absent(rank)) return true;
  }
  return !incoming.waits_until.expired() && waiting_hellos_.size() < waiting_without_sign_max;
}

/// Whether the worker may have come for the next world. A program may open one world after the
/// other, and a worker may be done with the first before the master is. So it is if the master
/// closes, or if the rank that had the place has left in order.
bool Newcomers::comes_for_next_world(const Hello& hello) const {
  if (closing_) return true;
  for (int rank = 1; rank < roster_.size(); ++rank) {
    const Departure* const departure = mailbox_.departure(rank);
    if (is_wanted(rank, hello) && departure != nullptr &&
        departure->kind == Departure::Kind::left) {
      return true;
    }
  }
  return false;
}

}  // namespace rankwire::zmq_wire
