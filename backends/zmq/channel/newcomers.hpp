#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "channel/absences.hpp"
#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/settings.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Who says hello to the master of a running world: newcomers for the places of ranks that have
/// departed (clause 14), and workers that were too late, or come for the next world.
class Newcomers {
 public:
  /// All that is given outlives this. `looks` is when the hellos that wait are to be looked at.
  Newcomers(const Roster& roster, const Mailbox& mailbox, const Absences& absences,
            const Settings& settings, LookTime& looks)
      : roster_{roster},
        mailbox_{mailbox},
        absences_{absences},
        settings_{settings},
        looks_{looks},
        known_(static_cast<std::size_t>(roster.size())) {}

  /// The worker `rank` has said `hello` and is let in.
  void admit(int rank, std::uint64_t nonce, std::uint32_t hello) { of(rank) = {nonce, hello}; }
  /// The rank of the process that said `nonce` in its hello; -1: none.
  [[nodiscard]] int rank_with(std::uint64_t nonce) const;
  /// Whether a hello of `rank` is newer than those before, which it then counts with.
  [[nodiscard]] bool heed_hello(int rank, std::uint32_t hello);
  /// The rank out of reach that the process had which says hello, at the same address; -1: none. It
  /// may still be heard there, and be waited for in vain.
  [[nodiscard]] int absent_in_same_process(const Hello& hello) const;
  /// The rank that a newcomer who wants `wanted` (or any, below 0) gets; -1: none.
  [[nodiscard]] int vacant_place(int wanted) const;
  /// Why there is none.
  [[nodiscard]] std::string no_place(int wanted) const;

  enum class Patience { none, waits, comes_again };
  /// What becomes of a hello that finds no place: whether it waits here for one; or whether its
  /// sender is to wait, since this world ends and the master may open another. One that waits is
  /// put behind what has come (Wire::defer), or is kept.
  [[nodiscard]] Patience wait(const Hello& hello, Incoming& incoming, Wire& wire);
  /// Takes out the hellos that wait.
  [[nodiscard]] std::vector<Incoming> take_waiting() { return std::exchange(waiting_, {}); }
  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }
  /// The connection ended.
  void forget(ConnectionId connection) {
    std::erase_if(waiting_, [&](const Incoming& in) { return in.connection == connection; });
  }
  /// The master closes: nobody comes in any more.
  void close() { closing_ = true; }

 private:
  /// What the worker of a rank has said of itself.
  struct Known {
    std::uint64_t nonce = 0;
    std::uint32_t hello = 0;  // the number of its last
  };
  [[nodiscard]] Known& of(int rank) { return known_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] bool may_become_vacant(const Hello& hello, const Incoming& incoming) const;
  [[nodiscard]] bool comes_for_next_world(const Hello& hello) const;

  const Roster& roster_;
  const Mailbox& mailbox_;
  const Absences& absences_;
  const Settings& settings_;
  LookTime& looks_;
  bool closing_ = false;
  std::vector<Known> known_;       // by rank
  std::vector<Incoming> waiting_;  // until an absence has ended
};

}  // namespace rankwire::zmq_wire
