#include "meeting/admission.hpp"

#include <fmt/format.h>

#include "keys/certificate.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "reach/endpoint.hpp"
#include "reach/interfaces.hpp"

namespace rankwire::zmq_wire {

std::optional<Hello> hello_of(const Incoming& incoming) {
  if (incoming.header.kind != Kind::hello || incoming.has_chunk) return std::nullopt;
  // The body of another version may look different. Only its version is read (check_hello).
  if (incoming.header.tag != protocol_version) return Hello{};
  try {
    auto hello = record_of<Hello>(incoming.body());
    (void)parse_endpoint(hello.endpoint);
    if (!hello.key.empty() && !is_public_key(hello.key)) return std::nullopt;
    return hello;
  } catch (const UsageError&) {  // its endpoint is not one
    return std::nullopt;
  } catch (const DecodeError&) {
    return std::nullopt;
  }
}

std::optional<Reject> check_hello(const Header& header, const Hello& hello,
                                  const ZmqSettings& settings, int ranks) {
  if (header.tag != protocol_version) {
    return Reject{Refusal::version,
                  fmt::format("the worker speaks protocol version {}, the master version {}; run "
                              "the same rankwire on all hosts",
                              header.tag, protocol_version)};
  }
  if (hello.job != settings.job) {
    return Reject{Refusal::job, fmt::format("the worker is of job '{}', this master of job '{}'; "
                                            "give both the same --job",
                                            printable(hello.job), settings.job)};
  }
  if (hello.wanted_rank == 0 || hello.wanted_rank >= ranks || hello.wanted_rank < -1) {
    return Reject{Refusal::rank, fmt::format("the worker wants rank {}; this world of {} has ranks "
                                             "1..{} for workers",
                                             hello.wanted_rank, ranks, ranks - 1)};
  }
  if (hello.ranks != 0 && hello.ranks != ranks) {
    return Reject{Refusal::size, fmt::format("the worker was told of {} ranks (-n), the master of "
                                             "{}; leave -n out at the worker, or correct it",
                                             hello.ranks, ranks)};
  }
  return std::nullopt;
}

Member member_of(const Hello& hello, int rank, std::uint32_t incarnation) {
  return {rank,        hello.host, hello.pid,         hello.endpoint,
          incarnation, hello.key,  hello.piece_bytes, hello.gives_signs};
}

std::unique_ptr<Probe> probe_first(const Wire& wire, ConnectionId worker,
                                   const std::string& endpoint) {
  if (!same_host(endpoint, wire.host_of(worker))) return nullptr;
  return std::make_unique<Probe>(endpoint, probe_limit);
}

void send_reject(Wire& wire, ConnectionId to, const Reject& reject) {
  const Buffer body = body_of(reject);
  wire.send(to, {.kind = Kind::reject, .tag = protocol_version, .bytes = body.size()},
            body.bytes());
}

void refuse(Wire& wire, ConnectionId to, const Hello& hello, const Reject& reject) {
  if (auto& refusals = wire.refusals(); refusals.admits()) {
    log().warn("refused a worker ({}, pid {}): {}{}", hello.host.empty() ? "unknown" : hello.host,
               hello.pid, reject.text, refusals.end());
  }
  send_reject(wire, to, reject);
  wire.bid_farewell(to);
}

}  // namespace rankwire::zmq_wire
