#include "fake_wire.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "fuzz.hpp"
#include "protocol/frame.hpp"
#include "rankwire/errors.hpp"
#include "reach/endpoint.hpp"
#include "reach/probe.hpp"

// Takes the place of backends/zmq/sockets/wire.cpp and reach/probe.cpp: a network that does what a
// script says, without sockets, threads or a clock. It keeps the promises that their headers make.

namespace rankwire::zmq_wire {
namespace {

/// Whom a script names: one who calls, or was dialed.
struct Other {
  ConnectionId id = 0;  // 0: calls anew with its next frame, or was hung up on
  bool stands = false, kept = false, stood = false;
  std::uint32_t next_sequence = 0;
};
struct Network {
  fuzz::Script* script = nullptr;
  Probe::Outcome probed = Probe::Outcome::accepted;
  std::array<Other, fuzz::callers_max> callers;
  std::vector<Other> dialed;
  ConnectionId last_id = 0;
};
Network network;

/// Null for one that was never dialed.
Other* named(std::uint8_t name) {
  const std::size_t index = name % (2 * fuzz::callers_max);
  if (index < fuzz::callers_max) return &network.callers[index];
  const std::size_t order = index - fuzz::callers_max;
  return order < network.dialed.size() ? &network.dialed[order] : nullptr;
}

bool is_dialed(std::uint8_t name) {
  return name % (2 * fuzz::callers_max) >= fuzz::callers_max;
}

Other* find(ConnectionId id) {
  const auto has_id = [id](const Other& other) { return id != 0 && other.id == id; };
  const auto caller = std::find_if(network.callers.begin(), network.callers.end(), has_id);
  if (caller != network.callers.end()) return &*caller;
  const auto dialed = std::find_if(network.dialed.begin(), network.dialed.end(), has_id);
  return dialed != network.dialed.end() ? &*dialed : nullptr;
}

/// With the number that is due, where the script wants that: else few would be taken.
zmq::message_t numbered(std::span<const std::byte> first, bool in_order, Other& other) {
  zmq::message_t frame{first.data(), first.size()};
  const auto header = header_of(first);
  if (!header || !in_order || !is_numbered(header->kind)) return frame;
  Header due = *header;
  due.sequence = other.next_sequence++;
  put_header({frame.data<std::byte>(), frame.size()}, due);
  return frame;
}

std::optional<Incoming> frame(Wire& wire) {
  const std::uint8_t name = network.script->u8();
  const auto first = network.script->bytes();
  const unsigned flags = network.script->u8();
  const std::size_t chunk_bytes = network.script->u16();
  Other* const other = named(name);
  if (other == nullptr || (other->id == 0 && is_dialed(name))) return std::nullopt;
  if (other->id == 0) *other = {.id = ++network.last_id};
  other->stands = true;
  Incoming in;
  in.connection = other->id;
  in.first = numbered(first, (flags & fuzz::in_order_bit) != 0, *other);
  const auto header = header_of({in.first.data<std::byte>(), in.first.size()});
  if (!header) {
    wire.count_dropped(in.connection, "not a message of rankwire");
    return std::nullopt;
  }
  in.header = *header;
  in.has_chunk = (flags & fuzz::chunk_bit) != 0;
  if (in.has_chunk) {
    in.chunk.rebuild(chunk_bytes);
    if (chunk_bytes > 0) std::memset(in.chunk.data(), 0, chunk_bytes);
  }
  return in;
}

std::optional<Incoming> up_or_down(Incoming::What what) {
  const std::uint8_t name = network.script->u8();
  Other* const other = named(name);
  if (other == nullptr || other->id == 0) return std::nullopt;
  const bool up = what == Incoming::What::up;
  if (up == other->stands || (up && !is_dialed(name))) return std::nullopt;
  Incoming in;
  in.what = what;
  in.connection = other->id;
  other->stands = up;
  if (up) in.anew = std::exchange(other->stood, true);
  if (!up && !is_dialed(name) && !other->kept) other->id = 0;
  return in;
}

std::optional<Incoming> play(Wire& wire) {
  switch (network.script->step()) {
    case fuzz::Step::frame:
      return frame(wire);
    case fuzz::Step::up:
      return up_or_down(Incoming::What::up);
    case fuzz::Step::down:
      return up_or_down(Incoming::What::down);
    default:
      return std::nullopt;
  }
}

}  // namespace

Wire::Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys)
    : silence_max_{silence_max}, keys_{std::move(keys)} {}
Wire::~Wire() = default;

void Wire::expect_workers(int) {}
void Wire::share_host(int) {}

std::vector<std::string> Wire::listen(const std::vector<Address>&, PortRange, bool) {
  return {"tcp://127.0.0.1:5555"};
}

std::string Wire::listen_as_master(const std::string& path) {
  return endpoint_text({{}, 0, path});
}

std::string Wire::listen_as_worker_of(const std::string& master_path) {
  return endpoint_text({{}, 0, master_path + ".w01234567"});
}

std::optional<uid_t> Wire::user_at(ConnectionId) const {
  return std::nullopt;
}

ConnectionId Wire::dial(const std::string&, std::int64_t, const std::string&) {
  network.dialed.push_back({.id = ++network.last_id});
  return network.last_id;
}

bool Wire::send(ConnectionId to, const Header& header, std::span<const std::byte> body) {
  return send(to, frame_of(header, body), nullptr);
}

bool Wire::send(ConnectionId to, zmq::message_t&& first, zmq::message_t* chunk) {
  const zmq::message_t sent{std::move(first)};
  fuzz::require(header_of({sent.data<std::byte>(), sent.size()}).has_value(),
                "sends a header that nobody takes");
  fuzz::require(chunk == nullptr || (!chunk->empty() && chunk->size() <= piece_bytes_max),
                "sends a chunk of no good size");
  const Other* const other = find(to);
  return other != nullptr && other->stands;
}

void Wire::let_in(ConnectionId) {}

/// Ends it at once; `down` follows, and nothing else of it comes before that.
void Wire::show_out(ConnectionId caller) {
  Other* const other = find(caller);
  if (other == nullptr) return;
  std::erase_if(ready_, [&](const Incoming& in) { return in.connection == caller; });
  ready_.push_back({.what = Incoming::What::down, .connection = caller});
  *other = {};
}

void Wire::bid_farewell(ConnectionId caller) {
  show_out(caller);
}

void Wire::listen_to(ConnectionId caller) {
  if (Other* const other = find(caller)) other->kept = true;
}

std::string Wire::host_of(ConnectionId) const {
  return "10.0.0.1";
}

void Wire::hang_up(ConnectionId connection) {
  if (Other* const other = find(connection)) *other = {};
  std::erase_if(ready_, [&](const Incoming& in) { return in.connection == connection; });
}

/// The next step of the network; those of the program end a poll, and are passed by in a wait,
/// which could not end otherwise.
StreamConnection::Come Wire::bytes_come(ConnectionId) const {
  return {};
}

std::optional<Incoming> Wire::receive(Deadline deadline) {
  fuzz::Script& script = *network.script;
  while (!script.at_end() && fuzz::is_of_network(script.peek())) {
    const bool is_quiet = script.peek() == fuzz::Step::nothing;
    if (auto incoming = play(*this)) return incoming;
    if (is_quiet) break;
  }
  if (!ready_.empty()) {
    Incoming deferred = std::move(ready_.front());
    ready_.pop_front();
    return deferred;
  }
  if (deadline.is_poll()) return std::nullopt;
  if (script.at_end()) throw Interrupted{"the script is at its end", 2};
  if (!fuzz::is_of_network(script.peek())) script.skip();
  return std::nullopt;
}

void Wire::count_dropped(ConnectionId, std::string_view) {
  ++frames_dropped_;
}

void Wire::expect_thousands() {}
void Wire::stop_listening() {}

Probe::Probe(const std::string& endpoint, std::chrono::milliseconds limit, Until until,
             std::chrono::milliseconds)
    : socket_{-1}, until_{until}, limit_{limit}, word_limit_{limit} {
  (void)parse_endpoint(endpoint);
}

std::optional<Probe::Outcome> Probe::outcome() {
  const bool speaks = network.probed == Outcome::accepted && until_ == Until::spoke;
  return speaks ? Outcome::spoke : network.probed;
}

std::vector<Probe> probe_all(const std::vector<std::string>& endpoints,
                             std::chrono::milliseconds limit) {
  std::vector<Probe> probes;
  for (const auto& endpoint : endpoints) probes.emplace_back(endpoint, limit);
  return probes;
}

std::string dialable(const std::string& endpoint) {
  (void)parse_endpoint(endpoint);
  return endpoint;
}

}  // namespace rankwire::zmq_wire

namespace fuzz {

using namespace rankwire::zmq_wire;

void begin_network(Script& script, std::uint8_t probed) {
  network = {};
  network.script = &script;
  network.probed = static_cast<Probe::Outcome>(probed);
}

ConnectionId a_caller(std::uint8_t index) {
  network.callers.at(index) = {.id = ++network.last_id, .stands = true, .kept = true};
  return network.last_id;
}

}  // namespace fuzz
