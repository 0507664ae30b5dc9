#pragma once

#include <memory>
#include <optional>
#include <string>

#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "reach/probe.hpp"
#include "sockets/wire.hpp"

// Who is let in: what a master does with the hello of a worker, before a world is complete and in a
// running one.

namespace rankwire::zmq_wire {

/// What a master says to a hello, before any look at free ranks; nothing: it may come in.
[[nodiscard]] std::optional<Reject> check_hello(const Header& header, const Hello& hello,
                                                const ZmqSettings& settings, int ranks);

/// Decodes the body of a hello; nothing when it is damaged or of another version.
[[nodiscard]] std::optional<Hello> hello_of(const Incoming& incoming);

/// The member that a hello makes of its process.
[[nodiscard]] Member member_of(const Hello& hello, int rank, std::uint32_t incarnation);

/// Begins to probe the listener of a worker that called over this connection, before its start is
/// sent: so that it is seen to listen even where its process ends right after. The refusal of
/// connections tells later that the process is gone only where they were accepted once, from the
/// address that it tells: not behind a firewall, nor behind a router that translates. Null where
/// it would tell nothing: the worker calls from another host than its address names.
[[nodiscard]] std::unique_ptr<Probe> probe_first(const Wire& wire, ConnectionId worker,
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

}  // namespace rankwire::zmq_wire
