#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

#include "channel.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/output.hpp"

// How a channel ends: by close, by its destructor alone, and by an abort of the whole world.

namespace rankwire::mpi {
namespace {

/// So long a rank that closes waits for rank 0 to tell others of it. Then it tells them itself:
/// rank 0 may compute, and have no thread.
constexpr std::chrono::milliseconds answer_max{250};

/// The kind of departure that a goodbye announces.
struct Goodbye {
  Departure::Kind kind;
  const char* reason;
};
Goodbye goodbye_of(Note::Kind kind) {
  if (kind == Note::Kind::left) return {Departure::Kind::left, "closed its channel"};
  if (kind == Note::Kind::cut_off) return {Departure::Kind::lost, "did not hear rank 0 any more"};
  // Who takes a rank that left for one that had said all would take a part for the whole.
  return {Departure::Kind::lost,
          kind == Note::Kind::lost
              ? "ended without closing its channel"
              : "closed its channel, and not all of its messages were taken in time"};
}

}  // namespace

void MpiChannel::do_close(Deadline serve) try {
  const auto delivered = [this] {
    outbound_.complete();
    return !outbound_.pending().any();
  };
  const Deadline linger{linger_};
  serve_until(linger, delivered);
  say_goodbye_where_all_came();
  serve_until(linger, delivered);
  // What was not taken stays deliverable while this rank serves.
  serve_until(serve, [this] {
    outbound_.complete();
    return say_goodbye_where_all_came() && ledger_.mailbox().remaining() == 0 && !awaits_answer();
  });
  if (!strangers_.empty() || ledger_.mailbox().remaining() == 0) {
    serve_until(answer_by_, [this] { return !awaits_answer(); });
  }
  if (!say_goodbye_where_all_came()) {
    log().warn("rank {}: closed with messages that were not taken within the linger of {} ms",
               rank(), linger_.count());
    say_goodbye(Note::Kind::left_undelivered);
  }
  end_telling();
  serve_until(Deadline{linger_}.sooner(last_moves), [this] {
    outbound_.complete();
    return outbound_.pending().notes == 0;
  });
} catch (const TransportError& error) {
  // Nothing can be done about it any more. The others will see this rank lost.
  log().error("{}", error.what());
}

bool MpiChannel::is_lost(int rank) const {
  const Departure* const departure = ledger_.mailbox().departure(rank);
  return departure && departure->kind == Departure::Kind::lost;
}

/// Whether this rank still has to say goodbye to `rank`.
bool MpiChannel::owes_goodbye(int rank) {
  goodbyes_.resize(static_cast<std::size_t>(size()));
  return rank != this->rank() && !goodbyes_[static_cast<std::size_t>(rank)] && !is_lost(rank);
}

void MpiChannel::say_goodbye(int rank, Note::Kind kind, std::uint32_t group) {
  outbound_.send_note(rank, {kind, group, outbound_.sent_whole(rank)});
  goodbyes_[static_cast<std::size_t>(rank)] = true;
}

/// Says goodbye to the ranks to which all was sent whole. Returns whether all were told by now, or
/// are told by rank 0.
bool MpiChannel::say_goodbye_where_all_came() {
  if (goodbyes_.empty()) leave_strangers_to_master();
  bool all = true;
  for (int rank = 0; rank < size(); ++rank) {
    if (!owes_goodbye(rank)) continue;
    if (outbound_.sent_whole(rank) == outbound_.sent(rank)) {
      say_goodbye(rank, Note::Kind::left);
    } else if (ledger_.mailbox().departure(rank)) {
      // It takes nothing more. But it may still be serving, and waits for this goodbye.
      say_goodbye(rank, Note::Kind::left_undelivered);
    } else {
      all = false;
    }
  }
  if (answered_ || awaits_answer()) return all;
  for (const int rank : std::exchange(strangers_, {})) {
    if (!is_lost(rank)) {
      say_goodbye(rank, Note::Kind::left, master_tells() ? Note::told_by_master : 0);
    }
  }
  return all;
}

/// Says goodbye to rank 0, and leaves those to it with which this rank has exchanged nothing. They
/// have nothing to come from this one. The others are told by this one, as they are to get all that
/// was sent, and as they may wait for it, whatever rank 0 does.
void MpiChannel::leave_strangers_to_master() {
  if (rank() == 0 || !owes_goodbye(0) || !master_tells() ||
      outbound_.sent_whole(0) != outbound_.sent(0)) {
    return;
  }
  std::vector<std::uint32_t> partners;
  for (int rank = 1; rank < size(); ++rank) {
    if (!owes_goodbye(rank)) continue;
    if (outbound_.sent(rank) > 0 || ledger_.come(rank) > 0) {
      partners.push_back(static_cast<std::uint32_t>(rank));
    } else {
      strangers_.push_back(rank);
      goodbyes_[static_cast<std::size_t>(rank)] = true;
    }
  }
  outbound_.send_list(0, Note::Kind::partners, partners);
  say_goodbye(0, Note::Kind::left, Note::told_by_master);
  answer_by_ = answer_max;
}

/// Whether rank 0 may yet say that all have been told.
bool MpiChannel::awaits_answer() const {
  return !answered_ && master_tells() && !answer_by_.expired();
}

/// Whether rank 0 still tells others of departures, as far as is known.
bool MpiChannel::master_tells() const {
  const auto* const departing = ledger_.departing(0);
  return !master_ended_ && !is_lost(0) && !(departing && departing->kind == Departure::Kind::lost);
}

/// On rank 0: tells of those who have left since, if it is time.
void MpiChannel::tell_departures() {
  if (!herald_.due()) return;
  herald_.tell([this](int rank, const Herald::Ranges& ranges) {
    if (!is_lost(rank)) outbound_.send_list(rank, Note::Kind::departed, ranges);
  });
}

/// On rank 0: who has not said goodbye by now must tell the others itself.
void MpiChannel::end_telling() {
  if (rank() != 0 || herald_.ended()) return;
  herald_.end();
  tell_departures();
  constexpr std::array<std::uint32_t, 2> this_rank{0, 0};
  for (int rank = 1; rank < size(); ++rank) {
    if (ledger_.departing(rank) || ledger_.mailbox().departure(rank)) continue;
    outbound_.send_list(rank, Note::Kind::departed, this_rank);
  }
}

void MpiChannel::hear_goodbye(int source, const Note& note) {
  // The goodbye may overtake large payloads that were sent before it.
  const Goodbye goodbye = goodbye_of(note.kind);
  ledger_.depart_after(source, goodbye.kind, goodbye.reason, note.value);
  if (note.kind == Note::Kind::cut_off) job_.note_lost(source);
  if (note.kind != Note::Kind::left) return;
  const bool told_by_master = note.group == Note::told_by_master;
  if (rank() == 0 && told_by_master) herald_.left(source);
  if (rank() == 0 || !told_by_master) ++left_whole_;
}

void MpiChannel::hear_list(int source, const Note& note) {
  const auto& list = inbound_.note_list();
  if (note.kind == Note::Kind::partners) return herald_.parts_from(source, list);
  const Goodbye left = goodbye_of(Note::Kind::left);
  for (std::size_t i = 0; source == 0 && i + 1 < list.size(); i += 2) {
    const auto end = std::min(list[i + 1] + std::uint64_t{1}, static_cast<std::uint64_t>(size()));
    for (std::uint64_t at = list[i]; at < end; ++at) {
      const int rank = static_cast<int>(at);
      if (rank == 0) {
        master_ended_ = true;
      } else if (rank == this->rank()) {
        answered_ = true;
        strangers_.clear();
      } else {
        ++left_whole_;
        ledger_.depart_after(rank, left.kind, left.reason, 0);
      }
    }
  }
}

void MpiChannel::settle_goodbyes() {
  while (const auto* const due = ledger_.due()) {
    if (due->kind == Departure::Kind::lost) inbound_.abandon(due->rank);
    outbound_.departed(due->rank);
    ledger_.depart(due->rank, due->kind, due->reason);
  }
}

/// Says goodbye to all who were not told yet.
void MpiChannel::say_goodbye(Note::Kind kind) {
  for (int rank = 0; rank < size(); ++rank) {
    if (owes_goodbye(rank)) say_goodbye(rank, kind);
  }
}

/// Ends a channel that was not closed. What was not sent whole does not arrive.
void MpiChannel::end_as_the_dead_do() {
  interruptible_ = false;
  outbound_.drop_waiting();
  end_telling();
  say_goodbye(Note::Kind::lost);
  // The goodbyes must go out, and MPI must finish messages that it is writing to this rank's
  // memory.
  serve_until(last_moves, [this] {
    outbound_.complete();
    return inbound_.empty() && outbound_.pending().notes == 0;
  });
}

/// Whether every other rank has closed in order, all that it sent has come, and all that was sent
/// to it has arrived. Rank 0 may say that it tells no more to who has no answer.
bool MpiChannel::nothing_can_come() const {
  return (rank() == 0 || answered_ || master_ended_) && left_whole_ == size() - 1 &&
         ledger_.mailbox().remaining() == 0 && inbound_.empty() && outbound_.empty();
}

MpiChannel::~MpiChannel() {
  stop_progress();
  if (!is_own_process()) return;
  job_.has_thread(nullptr);  // if one has a thread, it is this one: no other is open then
  job_.channel_ended();
  if (Job::finalized()) return;
  try {
    if (goodbyes_.empty() && !ledger_.end().has_come()) end_as_the_dead_do();
    if (!ledger_.end().has_come()) end_telling();  // close may have been interrupted
  } catch (const std::exception& error) {
    log().error("{}", error.what());  // which names this rank
  }
  // MPI uses the number of a freed communicator again. A message for the old one that is still
  // under way would then be taken by the new one. So the communicators are freed only if nothing
  // more can come; otherwise they stay until the process ends.
  const bool done = nothing_can_come();
  try {
    if (!inbound_.withdraw() || !done) return;
  } catch (const std::exception& error) {
    log().error("{}", error.what());  // which names this rank
    return;
  }
  MPI_Comm_free(&comms_.slots);
  MPI_Comm_free(&comms_.bulk);
}

/// MPI allows one thread at a time inside (MPI_THREAD_SERIALIZED). If the rank's own thread is
/// inside a call, this waits a while for it to see the abort and make it. If that thread does not
/// come back to look, its call takes long, and nothing is left to lose.
void MpiChannel::do_abort(int exit_code, const std::string& what) noexcept {
  ledger_.end().record(rank(), {}, 0, exit_code, what);
  const Deadline heeded{last_moves};
  while (in_use() && !heeded.expired()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  if (!in_use()) tell_abort();
  end_job();
}

/// Tells the others. Under `mpiexec --enable-recovery` MPI_Abort ends this process only. Otherwise
/// it ends all of them, and nobody need be told. Only while no other thread is inside of MPI.
void MpiChannel::tell_abort() noexcept try {
  if (!job_.survives_deaths()) return;
  for (int rank = 0; rank < size(); ++rank) {
    if (rank == this->rank() || ledger_.mailbox().departure(rank) != nullptr) continue;
    outbound_.send_note(rank, {Note::Kind::aborted, 0, 0});
  }
  const Deadline told{last_moves};
  while (outbound_.pending().notes > 0 && !told.expired()) {
    outbound_.complete();
    std::this_thread::yield();
  }
} catch (const std::exception& error) {
  log().error("could not tell the others of the abort: {}", error.what());
}

void MpiChannel::end_job() noexcept {
  static std::mutex first;
  first.lock();  // never unlocked: the process ends
  (void)flush_output();
  const int exit_code = ledger_.end().exit_code();
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace rankwire::mpi
