#include <cstdlib>
#include <mutex>
#include <thread>

#include "channel.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/output.hpp"

// How a channel ends: in order, without, and with the whole world.

namespace rankwire::mpi {

void MpiChannel::do_close(Deadline serve) try {
  const auto delivered = [this] {
    outbound_.complete();
    return !outbound_.waits(ledger_.mailbox());
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
  // Nothing to be done about it any more; the others will see this rank lost.
  log().error("{}", error.what());
}

void MpiChannel::say_goodbye(bool in_order) {
  said_goodbye_ = true;
  for (int rank = 0; rank < size(); ++rank) {
    // One that left may still be serving, and wait for this.
    const Departure* const departure = ledger_.mailbox().departure(rank);
    if (rank == this->rank() || (departure && departure->kind == Departure::Kind::lost)) continue;
    const auto whole = outbound_.sent_whole(rank);
    auto kind = Note::Kind::lost;
    if (in_order) {
      kind = whole == outbound_.sent(rank) ? Note::Kind::left : Note::Kind::left_undelivered;
    }
    outbound_.send_note(rank, {kind, whole});
  }
}

/// What the others can see of a channel that is dropped: nothing that was not sent whole arrives.
void MpiChannel::end_as_the_dead_do() {
  interruptible_ = false;
  say_goodbye(false);
  // The goodbyes must go, and messages that MPI is writing to this rank's memory must end.
  serve_until(last_moves, [this] {
    outbound_.complete();
    return inbound_.empty() && !outbound_.notes_wait(ledger_.mailbox());
  });
}

/// Every other rank closed in order, all that it sent is here, and all that was sent to it is
/// there.
bool MpiChannel::nothing_can_come() const {
  return left_whole_ == size() - 1 && ledger_.mailbox().remaining() == 0 && inbound_.empty() &&
         outbound_.empty();
}

MpiChannel::~MpiChannel() {
  if (!is_own_process()) return;
  job_.channel_ended();
  if (Job::finalized()) return;
  try {
    if (!said_goodbye_) end_as_the_dead_do();
  } catch (const std::exception& error) {
    log().error("{}", error.what());  // which names this rank
  }
  // A communicator whose number is used again while a message for the old one is on its way would
  // take that one in. So it is given up only when that cannot be, and else kept to the end.
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

/// By the thread that is inside MPI, if there is one: MPI allows no second (MPI_THREAD_SERIALIZED).
/// One that does not come back to look is in a call that takes long; then nothing is left to lose.
void MpiChannel::do_abort(int exit_code, const std::string& what) noexcept {
  ledger_.end().set(rank(), {}, 0, exit_code, what);
  const Deadline heeded{last_moves};
  while (in_use() && !heeded.expired()) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  end_job();
}

void MpiChannel::end_job() const noexcept {
  static std::mutex first;
  first.lock();  // for good: the process ends
  (void)flush_output();
  const int exit_code = ledger_.end().exit_code();
  MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

}  // namespace rankwire::mpi
