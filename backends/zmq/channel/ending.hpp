#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "channel/membership.hpp"
#include "channel/outbox.hpp"
#include "links/dialer.hpp"
#include "links/link_table.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/ledger.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The last frames that a rank sends to all that it has links with: its goodbye (clause 10), or the
/// abort that ends the world (clause 11).
///
/// Any thread may ask for an abort. The thread that has the turn makes it: the program's thread,
/// which checks for it in each round of a wait; or the thread that asked, if the program's thread
/// is outside of the channel. In the second case the program's thread may come back meanwhile, and
/// receive messages that are here already, which needs no turn. So nothing here touches the mailbox
/// or the windows, and frames that come meanwhile are thrown away, except their acknowledgements.
class Ending {
 public:
  /// The parts that it acts on. All of them outlive this.
  struct Parts {
    LinkTable& links;
    Dialer& dialer;
    Membership& members;
    const Outbox& outbox;
    Ledger& ledger;
    const Roster& roster;
  };
  explicit Ending(const Parts& parts) : to_{parts} {}

  // Any thread may call these.

  /// Asks for an abort. The first request counts.
  void ask_abort(int exit_code, const std::string& what) noexcept;
  /// Whether an abort was asked for and was not made yet.
  [[nodiscard]] bool is_abort_due() const { return is_asked() && !is_abort_made(); }
  /// Whether the abort was made: the others have been told, as far as they can be.
  [[nodiscard]] bool is_abort_made() const { return made_.load(); }

  // Only the holder of the turn may call these.

  /// Makes the abort that was asked for, if it was not made yet. If another rank's abort has come
  /// before, that one stands. Waits at most 1 s for the others to acknowledge it. `wire` is null
  /// once the channel is closed.
  void heed_abort(Wire* wire) noexcept {
    if (is_asked() && !is_abort_made()) [[unlikely]]
      make_abort(wire);
  }
  void say_goodbye();
  /// Whether all that was sent was acknowledged, except by ranks that have gone.
  [[nodiscard]] bool all_confirmed();

 private:
  [[nodiscard]] bool is_asked() const { return asked_.load(std::memory_order_acquire); }
  void make_abort(Wire* wire) noexcept;
  void tell_abort();
  [[nodiscard]] Link* last_link(int rank) const;
  [[nodiscard]] bool is_last_told(int rank) const;
  template <class F>
  [[nodiscard]] bool all_last_told(const F& is_done);
  [[nodiscard]] bool all_told();
  void await_told(Wire& wire);
  void take_answer(const Incoming& incoming);
  void answer_call(const Incoming& incoming, ConnectionId connection);

  Parts to_;
  std::mutex mutex_;  // among threads that ask
  Abort abort_;       // does not change once asked_ is true
  std::atomic<bool> asked_{false}, made_{false};
  int not_done_ = 0;  // see all_last_told
};

}  // namespace rankwire::zmq_wire
