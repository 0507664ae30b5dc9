#include <cstdlib>
#include <mutex>
#include <thread>

#include "channel.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/output.hpp"

// How a channel ends: by close, by its destructor alone, and by an abort of the whole world.

namespace rankwire::mpi {

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
    return say_goodbye_where_all_came() && ledger_.mailbox().remaining() == 0;
  });
  if (!say_goodbye_where_all_came()) {
    log().warn("rank {}: closed with messages that were not taken within the linger of {} ms",
               rank(), linger_.count());
    say_goodbye(Note::Kind::left_undelivered);
    serve_until(Deadline{linger_}.sooner(last_moves), [this] {
      outbound_.complete();
      return outbound_.pending().notes == 0;
    });
  }
} catch (const TransportError& error) {
  // Nothing can be done about it any more. The others will see this rank lost.
  log().error("{}", error.what());
}

/// Whether this rank still has to say goodbye to `rank`.
bool MpiChannel::owes_goodbye(int rank) {
  goodbyes_.resize(static_cast<std::size_t>(size()));
  const Departure* const departure = ledger_.mailbox().departure(rank);
  return rank != this->rank() && !goodbyes_[static_cast<std::size_t>(rank)] &&
         !(departure && departure->kind == Departure::Kind::lost);
}

void MpiChannel::say_goodbye(int rank, Note::Kind kind) {
  outbound_.send_note(rank, {kind, 0, outbound_.sent_whole(rank)});
  goodbyes_[static_cast<std::size_t>(rank)] = true;
}

/// Says goodbye to the ranks to which all was sent whole. Returns whether all were told by now.
bool MpiChannel::say_goodbye_where_all_came() {
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
  return all;
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
  say_goodbye(Note::Kind::lost);
  // The goodbyes must go out, and MPI must finish messages that it is writing to this rank's
  // memory.
  serve_until(last_moves, [this] {
    outbound_.complete();
    return inbound_.empty() && outbound_.pending().notes == 0;
  });
}

/// Whether every other rank has closed in order, all that it sent has come, and all that was sent
/// to it has arrived.
bool MpiChannel::nothing_can_come() const {
  return left_whole_ == size() - 1 && ledger_.mailbox().remaining() == 0 && inbound_.empty() &&
         outbound_.empty();
}

MpiChannel::~MpiChannel() {
  stop_progress();
  if (!is_own_process()) return;
  job_.has_thread(nullptr);  // if one has a thread, it is this one: no other is open then
  job_.channel_ended();
  if (Job::finalized()) return;
  try {
    if (goodbyes_.empty() && !ledger_.end().has_come()) end_as_the_dead_do();
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
