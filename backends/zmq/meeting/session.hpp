#pragma once

#include <memory>
#include <vector>

#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "reach/address_file.hpp"
#include "reach/probe.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// What a rendezvous ends with: a complete world as one rank sees it.
struct Session {
  std::unique_ptr<Wire> wire;
  int rank = 0;
  std::vector<Member> members;            ///< in rank order
  std::vector<Departed> departed;         ///< gone already, for one that arrives late
  std::vector<ConnectionId> connections;  ///< by rank; 0 where there is none (yet)
  std::vector<std::uint64_t> nonces;      ///< by rank, at the master
  std::vector<std::uint32_t> hellos;      ///< by rank, at the master: the number of its last hello
  std::vector<std::unique_ptr<Probe>> first_probes;  ///< by rank, at the master; see probe_first
  std::string dialed;                                ///< at a worker: the master's numeric endpoint
  Token token{};
  std::vector<Incoming> early;  ///< came from other workers, whose start was earlier
  bool early_dropped = false;   ///< more came than could be kept
  ZmqSettings settings;         ///< window and message limit are the master's
  AddressFile address_file;     ///< of a master that was to write one
};

/// Waits at settings.listen for the others. Throws UsageError for an address that cannot be bound,
/// Timeout when ranks are missing at the join deadline.
[[nodiscard]] Session rendezvous_as_master(const ZmqSettings& settings);

/// Joins the master at settings.join. Throws UsageError when it refuses, Timeout at the deadline.
[[nodiscard]] Session rendezvous_as_worker(const ZmqSettings& settings);

/// How often both sides say whom they wait for.
inline constexpr std::chrono::seconds report_interval{3};

}  // namespace rankwire::zmq_wire
