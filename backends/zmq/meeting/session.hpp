#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "reach/address_file.hpp"
#include "reach/probe.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Of a worker's listener; null where it would tell nothing.
using FirstProbe = std::unique_ptr<Probe>;

/// What a rendezvous ends with: a complete world as one rank sees it.
struct Session {
  std::unique_ptr<Wire> wire;
  int rank = 0;
  std::vector<Member> members;            ///< in rank order
  std::vector<Departed> departed;         ///< gone already, for one that arrives late
  std::vector<ConnectionId> connections;  ///< by rank; 0 where there is none (yet)
  std::vector<std::uint64_t> nonces;      ///< by rank, at the master
  std::vector<std::uint32_t> hellos;      ///< by rank, at the master: the number of its last hello
  std::vector<FirstProbe> first_probes;   ///< by rank, at the master
  std::string dialed;                     ///< at a worker: the master's numeric endpoint
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

/// What a master says to a hello, before any look at free ranks; nothing: it may come in.
[[nodiscard]] std::optional<Reject> check_hello(const Header& header, const Hello& hello,
                                                const ZmqSettings& settings, int ranks);

/// Decodes the body of a hello; nothing when it is damaged or of another version.
[[nodiscard]] std::optional<Hello> hello_of(const Incoming& incoming);

/// Begins to probe the listener of a worker that called over this connection, before its start is
/// sent: so that it is seen to listen even where its process ends right after. The refusal of
/// connections tells later that the process is gone only where they were accepted once, from the
/// address that it tells: not behind a firewall, nor behind a router that translates.
[[nodiscard]] FirstProbe probe_first(const Wire& wire, ConnectionId worker,
                                     const std::string& endpoint);

/// Sends a record of the protocol as one frame.
template <class Record>
bool send_record(Wire& wire, ConnectionId to, Kind kind, const Record& record) {
  const Buffer body = encode(record);
  return wire.send(to, {.kind = kind, .tag = protocol_version, .bytes = body.size()}, body.bytes());
}

/// Says why somebody does not get in.
void send_reject(Wire& wire, ConnectionId to, const Reject& reject);

/// Refuses a hello, on both sides: in the answer and in the log.
void refuse(Wire& wire, ConnectionId to, const Hello& hello, const Reject& reject);

/// The silence after which a connection counts as broken, noticed up to an eighth of it later; the
/// grace begins then. Short enough that all of it, and the time to dial again, is less than grace +
/// 5 s.
[[nodiscard]] inline std::chrono::milliseconds silence_max(const Settings& settings) {
  return std::clamp(settings.grace / 4, std::chrono::milliseconds{50},
                    std::chrono::milliseconds{3'000});
}

/// How often both sides say whom they wait for.
inline constexpr std::chrono::seconds report_each{3};

}  // namespace rankwire::zmq_wire
