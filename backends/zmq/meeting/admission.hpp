#pragma once

#include <memory>
#include <optional>
#include <string>

#include "options/zmq_settings.hpp"
#include "protocol/protocol.hpp"
#include "reach/probe.hpp"
#include "sockets/wire.hpp"

// Who is let in: how a master handles the hello of a worker, before its world is complete and while
// it runs.

namespace rankwire::zmq_wire {

/// Why a master must refuse a hello. Nothing if the worker may come in, provided that a rank is
/// free.
[[nodiscard]] std::optional<Reject> check_hello(const Header& header, const Hello& hello,
                                                const ZmqSettings& settings, int ranks);

/// Decodes a hello. Nothing if it is damaged. A hello of another version is empty: check_hello
/// refuses it by its header.
[[nodiscard]] std::optional<Hello> hello_of(const Incoming& incoming);

/// The member that a process becomes by its hello.
[[nodiscard]] Member member_of(const Hello& hello, int rank, std::uint32_t incarnation);

/// Begins to probe the listener of a worker that called over this connection. The outcome says
/// whether its address can be reached at all, which it cannot behind a firewall or a router that
/// translates addresses. Only if it can does a refusal there show, later, that the process is gone.
/// To be called before the start is sent: then the worker still listens, even if its process ends
/// right after. Returns null if the probe would show nothing: the worker calls from another host
/// than its address names.
[[nodiscard]] std::unique_ptr<Probe> probe_first(const Wire& wire, ConnectionId worker,
                                                 const std::string& endpoint);

/// Sends a record of the protocol as one frame.
template <class Record>
bool send_record(Wire& wire, ConnectionId to, Kind kind, const Record& record) {
  const Buffer body = encode(record);
  return wire.send(to, {.kind = kind, .tag = protocol_version, .bytes = body.size()}, body.bytes());
}

/// Tells a caller why it is not let in.
void send_reject(Wire& wire, ConnectionId to, const Reject& reject);

/// Refuses a hello: tells the caller why, bids it farewell, and logs it.
void refuse(Wire& wire, ConnectionId to, const Hello& hello, const Reject& reject);

}  // namespace rankwire::zmq_wire
