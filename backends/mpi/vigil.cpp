#include "vigil.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rankwire::mpi {
namespace {

/// A dead rank has nothing more to come if this many looks and a time have found nothing of it,
/// even if others keep this rank busy.
constexpr unsigned looks_for_the_dead = 200;
constexpr std::chrono::seconds last_moves{1};

/// How much longer a rank may be silent while a payload of it is under way: its signs stand behind
/// these bytes, which a slow network may carry at 1 MB/s.
Signs::Duration time_of(std::size_t bytes) {
  return std::chrono::microseconds{bytes};
}

}  // namespace

Vigil::Vigil(Job& job, Ledger& ledger, Inbound& inbound, Outbound& outbound,
             const std::vector<bool>& parted, std::optional<Signs::Duration> grace)
    : job_{job}, ledger_{ledger}, inbound_{inbound}, outbound_{outbound}, parted_{parted} {
  if (grace) signs_.emplace(job.rank(), job.size(), *grace);
}

bool Vigil::is_lost(int rank) const {
  const Departure* const departure = ledger_.mailbox().departure(rank);
  return departure != nullptr && departure->kind == Departure::Kind::lost;
}

bool Vigil::gave_up(int rank) const {
  return std::find(given_up_.begin(), given_up_.end(), rank) != given_up_.end();
}

std::string Vigil::grace_text() const {
  const auto grace = std::chrono::duration_cast<std::chrono::milliseconds>(signs_->grace());
  return fmt::format("out of reach for {} ms (--grace)", grace.count());
}

void Vigil::fall_silent() {
  if (!gives_signs_) return;
  for (int rank = 0; rank < job_.size(); ++rank) {
    if (!has_parted(rank) && !is_lost(rank)) outbound_.send_silence(rank);
  }
}

bool Vigil::heed(int source, const Note& note) {
  if (note.kind == Note::Kind::sign) {
    if (signs_) signs_->sign(source);
  } else if (note.kind == Note::Kind::silence) {
    if (signs_) signs_->silence(source);
  } else if (note.kind == Note::Kind::given_up) {
    if (!signs_ || source != 0 || note.value >= static_cast<std::uint64_t>(job_.size()))
      return true;
    const int rank = static_cast<int>(note.value);
    if (rank == job_.rank()) {
      lose_world("rank 0 gave this rank up, which was " + grace_text());
    } else {
      give_up(rank, "it was " + grace_text());
    }
  } else {
    return false;
  }
  return true;
}

/// Such a process sends no more, and MPI already has all that it sent. This is taken in first:
/// until two looks in a row find nothing (one look at MPI takes a bounded number of steps); or, if
/// others keep this rank busy, until nothing of that rank has come for a while. One that may live
/// may go on sending, and is not waited for so.
bool Vigil::look(unsigned& empty_looks) {
  const auto& ended = job_.watch().ended();
  for (; ended_seen_ < ended.size(); ++ended_seen_) {
    end(ended[ended_seen_], false, "its process ended");
  }
  const bool lost_world = signs_ && look_for_signs();
  if (std::exchange(fresh_, false)) empty_looks = 0;
  std::erase_if(ended_, [&](Ended& dead) { return record(dead, empty_looks); });
  return lost_world;
}

/// Whether nothing more is to be done about `dead`.
bool Vigil::record(Ended& dead, unsigned empty_looks) {
  if (ledger_.mailbox().departure(dead.rank)) return true;
  if (const auto come = come_of(dead.rank); come != dead.come && !dead.may_live) {
    dead.come = come;
    dead.looks = 0;
    dead.lost_at = last_moves;
    return false;
  }
  const bool all_here = ++dead.looks > looks_for_the_dead && dead.lost_at.expired();
  if (empty_looks < 2 && !all_here) return false;
  inbound_.abandon(dead.rank);
  outbound_.departed(dead.rank);
  ledger_.depart(dead.rank, Departure::Kind::lost, dead.reason);
  return true;
}

void Vigil::end(int rank, bool may_live, std::string reason) {
  ended_.push_back({rank, may_live, std::move(reason), come_of(rank), 0, last_moves});
  fresh_ = true;
}

void Vigil::give_up(int rank, std::string reason) {
  if (gave_up(rank) || ledger_.mailbox().departure(rank)) return;
  job_.note_lost(rank);
  given_up_.push_back(rank);
  tells_ = job_.rank() == 0;
  end(rank, true, std::move(reason));
}

void Vigil::lose_world(const std::string& reason) {
  for (int rank = 0; rank < job_.size(); ++rank) {
    if (rank != job_.rank()) give_up(rank, reason);
  }
  gives_signs_ = false;
}

bool Vigil::look_for_signs() {
  signs_->look(Deadline::Clock::now());
  give_signs();
  bool lost_world = false;
  signs_->find_silent([this](int rank) { return come_of(rank); },
                      [this](int rank) { return time_of(inbound_.bytes_under_way(rank)); },
                      [&](int rank) {
                        if (ledger_.mailbox().departure(rank)) return;
                        if (job_.rank() == 0) return give_up(rank, "it was " + grace_text());
                        // After its goodbye rank 0 gives no signs.
                        lost_world = ledger_.departing(0) == nullptr;
                      });
  if (lost_world) {
    lose_world("rank 0 was " + grace_text() + ", and the world is lost without it");
  }
  if (tells_) tell_given_up();
  return lost_world;
}

/// After a goodbye nothing may follow: the other side may have freed its communicators. But rank 0
/// may still serve when it has said its own, and must hear that the others live.
void Vigil::give_signs() {
  if (gives_signs_ && signs_->due() && !has_parted(0) && !is_lost(0)) {
    // Finished when rank 0 has taken it. So no more than one lies there while rank 0 does not look.
    outbound_.send_sign(0, {Note::Kind::sign, 0, 0}, Carrier::Road::slots_taken);
  }
  signs_->answer([this](int rank) {
    if (has_parted(rank)) return;
    if (gave_up(rank)) {
      outbound_.send_sign(rank, {Note::Kind::given_up, 0, static_cast<std::uint64_t>(rank)},
                          Carrier::Road::slots);
    } else if (gives_signs_) {
      outbound_.send_sign(rank, {Note::Kind::sign, 0, 0}, Carrier::Road::slots);
    }
  });
}

/// On rank 0: tells those who remain of the ranks that were given up. One note at a time to each,
/// as MPI is done with the one before.
void Vigil::tell_given_up() {
  told_.resize(static_cast<std::size_t>(job_.size()));
  tells_ = false;
  for (int rank = 1; rank < job_.size(); ++rank) {
    auto& told = told_[static_cast<std::size_t>(rank)];
    if (has_parted(rank) || gave_up(rank) || ledger_.mailbox().departure(rank)) continue;
    while (told < given_up_.size() &&
           outbound_.send_sign(
               rank, {Note::Kind::given_up, 0, static_cast<std::uint64_t>(given_up_[told])},
               Carrier::Road::slots)) {
      ++told;
    }
    tells_ = tells_ || told < given_up_.size();
  }
}

}  // namespace rankwire::mpi
