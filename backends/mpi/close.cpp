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
    return !outbound_.has_under_way();
  };
  const Deadline linger{linger_};
  if (!serve_until(linger, delivered)) {
    log().warn("rank {}: closed with messages that were not taken within the linger of {} ms",
               rank(), linger_.count());
  }
  say_goodbye(true);
  serve_until(linger, delivered);
  serve_until(serve, [this] { return ledger_.mailbox().remaining() == 0; });
} catch (const TransportError& error) {
  // Nothing can be done about it any more. The others will see this rank lost.
  log().error("{}", error.what());
}

void MpiChannel::say_goodbye(bool in_order) {
  said_goodbye_ = true;
  for (int rank = 0; rank < size(); ++rank) {
    // A rank that left may still be serving, and waits for this goodbye.
    const Departure* const departure = ledger_.mailbox().departure(rank);
    if (rank == this->rank() || (departure && departure->kind == Departure::Kind::lost)) continue;
    const auto whole = outbound_.sent_whole(rank);
    auto kind = Note::Kind::lost;
    if (in_order) {
      kind = whole == outbound_.sent(rank) ? Note::Kind::left : Note::Kind::left_undelivered;
    }
    outbound_.send_note(rank, {kind, 0, whole});
  }
}

/// Ends a channel that was not closed. What was not sent whole does not arrive.
void MpiChannel::end_as_the_dead_do() {
  interruptible_ = false;
  outbound_.drop_waiting();
  say_goodbye(false);
  // The goodbyes must go out, and MPI must finish messages that it is writing to this rank's
  // memory.
  serve_until(last_moves, [this] {
    outbound_.complete();
    return inbound_.empty() && !outbound_.has_notes_under_way();
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
    if (!said_goodbye_) end_as_the_dead_do();
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
  end_job();
}

void MpiChannel::end_job() const noexcept {
  static std::mutex first;
  first.lock();  // never unlocked: the process ends
  (void)flush_output();
  const int exit_code = ledger_.end().exit_code();
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace rankwire::mpi
