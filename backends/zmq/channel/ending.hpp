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

/// The last that a rank says to all that are linked to it: its goodbye (clause 10), or the abort
/// that ends the world (clause 11).
///
/// Any thread may ask for an abort. It is made by the thread that has the turn: the program's,
/// which looks for it in each round of a wait, or, where that is outside of the channel, the one
/// that asked. So the program's thread may come back meanwhile, and take what it has without a
/// turn: nothing here touches the mailbox or the windows, and what comes besides acknowledgements
/// is thrown away.
class Ending {
 public:
  /// What it acts on; all of it outlives this.
  struct Parts {
    LinkTable& links;
    Dialer& dialer;
    Membership& members;
    const Outbox& outbox;
    Ledger& ledger;
    const Roster& roster;
  };
  explicit Ending(const Parts& parts) : to_{parts} {}

  // For any thread.

  /// The first that asks counts.
  void ask_abort(int exit_code, const std::string& what) noexcept;
  /// Whether an abort was asked for and is still to be made.
  [[nodiscard]] bool is_abort_due() const { return is_asked() && !is_abort_made(); }
  /// Whether it was made: the others know, or will not.
  [[nodiscard]] bool is_abort_made() const { return made_.load(); }

  // With the turn.

  /// Makes the abort that was asked for, if any, once; an abort by another rank that came before
  /// stands. Waits 1 s at most for the others to acknowledge it. `wire` is null once the channel is
  /// closed.
  void heed_abort(Wire* wire) noexcept {
    if (is_asked() && !is_abort_made()) [[unlikely]]
      make_abort(wire);
  }
  void say_goodbye();
  /// Whether all that was sent has been received, as far as somebody is there to receive it.
  [[nodiscard]] bool all_confirmed() const;

 private:
  [[nodiscard]] bool is_asked() const { return asked_.load(std::memory_order_acquire); }
  void make_abort(Wire* wire) noexcept;
  void say_to_all(Kind kind, const Buffer& body);
  [[nodiscard]] std::vector<Link*> last_links() const;
  [[nodiscard]] bool all_told() const;
  void await_told(Wire& wire);
  void take_answer(const Incoming& incoming);
  void answer_call(const Incoming& incoming);

  Parts to_;
  std::mutex mutex_;  // of those who ask
  Abort abort_;       // does not change any more once asked_ is true
  std::atomic<bool> asked_{false}, made_{false};
};

}  // namespace rankwire::zmq_wire
