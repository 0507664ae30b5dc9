#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "address_file.hpp"
#include "protocol.hpp"
#include "rankwire/backend/backend.hpp"
#include "wire.hpp"

namespace rankwire::zmq_wire {

/// What a rendezvous ends with: a complete world as one rank sees it.
struct Session {
  std::unique_ptr<Wire> wire;
  int rank = 0;
  std::vector<Member> members;            ///< in rank order
  std::vector<Departed> departed;         ///< gone already, for one that arrives late
  std::vector<ConnectionId> connections;  ///< by rank; 0 where there is none (yet)
  std::vector<std::uint64_t> nonces;      ///< by rank, at the master
  std::string dialed;                     ///< at a worker: the master's numeric endpoint
  Token token{};
  std::vector<Incoming> early;  ///< came from other workers, whose start was earlier
  bool early_dropped = false;   ///< more came than could be kept
  Settings settings;            ///< window and message limit are the master's
  AddressFile address_file;     ///< of a master that was to write one
};

/// Waits at settings.listen for the others. Throws UsageError for an address that cannot be bound,
/// Timeout when ranks are missing at the join deadline.
[[nodiscard]] Session rendezvous_as_master(const Settings& settings);

/// Joins the master at settings.join. Throws UsageError when it refuses, Timeout at the deadline.
[[nodiscard]] Session rendezvous_as_worker(const Settings& settings);

/// What a master says to a hello, before any look at free ranks; nothing: it may come in.
[[nodiscard]] std::optional<Reject> check_hello(const Header& header, const Hello& hello,
                                                const Settings& settings, int ranks);

/// Decodes the body of a hello; nothing when it is damaged or of another version.
[[nodiscard]] std::optional<Hello> hello_of(const Incoming& incoming);

/// Sends a record of the protocol as one frame.
template <class Record>
bool send_record(Wire& wire, ConnectionId to, Kind kind, const Record& record) {
  const Buffer body = encode(record);
  return wire.send(to, {.kind = kind, .tag = protocol_version, .bytes = body.size()}, body.bytes());
}

/// Refuses a hello, on both sides: in the answer and in the log.
void refuse(Wire& wire, ConnectionId to, const Hello& hello, const Reject& reject);

/// The silence after which a connection counts as broken, noticed up to a quarter of it later; the
/// grace begins then. Short enough that all of it is about grace + 5 s at most. A piece of
/// chunk_bytes_max must pass within it: with 4 s, a link slower than 2.1 Mbit/s breaks again and
/// again while such pieces are under way; with less, a faster one does.
[[nodiscard]] inline std::chrono::milliseconds silence_max(const Settings& settings) {
  return std::clamp(settings.grace / 4, std::chrono::milliseconds{50},
                    std::chrono::milliseconds{4'000});
}

/// How often both sides say whom they wait for.
inline constexpr std::chrono::seconds report_each{3};

}  // namespace rankwire::zmq_wire
