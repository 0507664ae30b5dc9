#pragma once

#include <memory>
#include <vector>

#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/backend/budget.hpp"
#include "reach/address_file.hpp"
#include "reach/probe.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// The result of a rendezvous: a complete world as one rank sees it.
struct Session {
  std::unique_ptr<Wire> wire;
  int rank = 0;
  int ranks = 1;       ///< of the world
  int host_ranks = 1;  ///< how many of them this rank's host has
  /// Those that are known: at the master all. Of two with the same rank the later one counts.
  std::vector<Member> members;
  std::vector<Departed>
      departed;  ///< ranks that have departed already, for a worker that arrives late
  std::vector<ConnectionId> connections;  ///< by rank, as far as there are any; 0: none
  std::vector<std::uint64_t> nonces;      ///< by rank, at the master
  std::vector<std::uint32_t> hellos;      ///< by rank, at the master: the number of its last hello
  std::vector<std::unique_ptr<Probe>> first_probes;  ///< by rank, at the master; see probe_first
  std::string dialed;                                ///< at a worker: the master's numeric endpoint
  Token token{};
  std::vector<Incoming> early;  ///< frames of workers that were started earlier
  bool early_dropped = false;   ///< more came than could be kept
  MemoryLimits limits{0};       ///< window and share are the master's
  ZmqSettings settings;         ///< window and message limit are the master's
  AddressFile address_file;     ///< at a master that has written one
};

/// Waits at settings.listen for the other ranks. Throws UsageError for an address that cannot be
/// bound, and Timeout if ranks are missing at the join deadline.
[[nodiscard]] Session rendezvous_as_master(const ZmqSettings& settings);

/// Joins the master at settings.join. Throws UsageError if the master refuses, and Timeout at the
/// deadline.
[[nodiscard]] Session rendezvous_as_worker(const ZmqSettings& settings);

/// How often both sides log whom they wait for.
inline constexpr std::chrono::seconds report_interval{3};

}  // namespace rankwire::zmq_wire
