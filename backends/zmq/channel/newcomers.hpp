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

/// The hellos that come to the master of a running world: of newcomers for the places of departed
/// ranks (clause 14), and of workers that are too late or come for the next world.
class Newcomers {
 public:
  /// All arguments outlive this. `looks` says when to look at the hellos that wait.
  Newcomers(const Roster& roster, const Mailbox& mailbox, const Absences& absences,
            const Settings& settings, LookTime& looks)
      : roster_{roster},
        mailbox_{mailbox},
        absences_{absences},
        settings_{settings},
        looks_{looks},
        known_(static_cast<std::size_t>(roster.size())) {}

  /// Notes what the worker that gets `rank` has said in its hello.
  void admit(int rank, std::uint64_t nonce, std::uint32_t hello) { of(rank) = {nonce, hello}; }
  /// The rank of the process whose hello had `nonce`. -1 if there is none.
  [[nodiscard]] int rank_with(std::uint64_t nonce) const;
  /// Whether a hello of `rank` is newer than all before. Notes its number if so.
  [[nodiscard]] bool heed_hello(int rank, std::uint32_t hello);
  /// Looks for a rank that is out of reach and whose process is the one that says `hello` now, at
  /// the same address: its program has begun anew. Returns the rank, or -1 if there is none. The
  /// master gives up such a rank. (Nothing else would end its absence if it gives no signs of life:
  /// its process answers probes.)
  [[nodiscard]] int absent_in_same_process(const Hello& hello) const;
  /// The rank that a newcomer gets who wants `wanted` (below 0: any). -1 if there is none.
  [[nodiscard]] int vacant_place(int wanted) const;
  /// Why vacant_place() has found none.
  [[nodiscard]] std::string no_place(int wanted) const;

  enum class Patience { none, waits, comes_again };
  /// Decides about a hello that finds no place. `waits`: it waits here for a place; it was put
  /// behind what has come (Wire::defer), or is kept. `comes_again`: its sender should wait, since
  /// this world ends and the master may open another. `none`: neither.
  [[nodiscard]] Patience wait(const Hello& hello, Incoming& incoming, Wire& wire);
  /// Removes and returns the hellos that wait.
  [[nodiscard]] std::vector<Incoming> take_waiting_hellos() {
    return std::exchange(waiting_hellos_, {});
  }
  [[nodiscard]] bool has_waiting_hellos() const { return !waiting_hellos_.empty(); }
  /// A connection ended. Forgets its hello.
  void forget(ConnectionId connection) {
    std::erase_if(waiting_hellos_, [&](const Incoming& in) { return in.connection == connection; });
  }
  /// The master closes. Nobody is let in any more.
  void close() { closing_ = true; }

 private:
  /// What the worker of a rank has said in its last hello.
  struct Known {
    std::uint64_t nonce = 0;
    std::uint32_t hello = 0;  // its number (Hello::call)
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
  std::vector<Known> known_;              // by rank
  std::vector<Incoming> waiting_hellos_;  // hellos that wait for the end of an absence
};

}  // namespace rankwire::zmq_wire
