#include "fake_wire.hpp"

#include <array>
#include <cstring>

#include "address.hpp"
#include "fuzz.hpp"
#include "rankwire/errors.hpp"

// Takes the place of backends/zmq/wire.cpp and address.cpp: a network that does what a script says,
// without sockets, threads or a clock. It keeps the promises that wire.hpp makes.

namespace rankwire::zmq_wire {
namespace {

struct Network {
  fuzz::Script* script = nullptr;
  std::array<ConnectionId, fuzz::callers_max> callers{};  // 0: calls anew with its next frame
  std::vector<ConnectionId> dialed;                       // 0: hung up
  ConnectionId last_id = 0;
};
Network network;

ConnectionId& connection_at(std::uint8_t name) {
  static ConnectionId nobody;
  const std::size_t index = name % (2 * fuzz::callers_max);
  if (index < fuzz::callers_max) return network.callers[index];
  const std::size_t order = index - fuzz::callers_max;
  nobody = 0;
  return order < network.dialed.size() ? network.dialed[order] : nobody;
}

bool is_dialed(std::uint8_t name) {
  return name % (2 * fuzz::callers_max) >= fuzz::callers_max;
}

ConnectionId* find(ConnectionId id) {
  for (auto& caller : network.callers) {
    if (caller == id) return &caller;
  }
  for (auto& connection : network.dialed) {
    if (connection == id) return &connection;
  }
  return nullptr;
}

std::optional<Incoming> frame(Wire& wire) {
  const std::uint8_t name = network.script->u8();
  const auto first = network.script->bytes();
  const bool has_chunk = network.script->u8() % 2 == 1;
  const std::size_t chunk_bytes = network.script->u16();
  ConnectionId& connection = connection_at(name);
  if (connection == 0) {
    if (is_dialed(name)) return std::nullopt;
    connection = ++network.last_id;
  }
  Incoming in;
  in.connection = connection;
  const auto header = header_of(first);
  if (!header) {
    wire.drop(connection, "not a message of rankwire");
    return std::nullopt;
  }
  in.header = *header;
  in.first.rebuild(first.data(), first.size());
  in.has_chunk = has_chunk;
  if (has_chunk) {
    in.chunk.rebuild(chunk_bytes);
    if (chunk_bytes > 0) std::memset(in.chunk.data(), 0, chunk_bytes);
  }
  return in;
}

std::optional<Incoming> up_or_down(Incoming::What what) {
  const std::uint8_t name = network.script->u8();
  ConnectionId& connection = connection_at(name);
  if (connection == 0 || (what == Incoming::What::up && !is_dialed(name))) return std::nullopt;
  Incoming in;
  in.what = what;
  in.connection = connection;
  if (!is_dialed(name)) connection = 0;
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

Wire::Wire(std::chrono::milliseconds silence_max) : silence_max_{silence_max} {}
Wire::~Wire() = default;

std::string Wire::listen(const std::string&) {
  return "tcp://127.0.0.1:5555";
}

ConnectionId Wire::dial(const std::string&, std::int64_t) {
  network.dialed.push_back(++network.last_id);
  return network.last_id;
}

bool Wire::send(ConnectionId to, const Header& header, std::span<const std::byte>) {
  fuzz::require(header_of(to_bytes(header)).has_value(), "sends a header that nobody takes");
  return to != 0 && find(to) != nullptr;
}

bool Wire::send_chunk(ConnectionId to, const Header& header, zmq::message_t&& chunk) {
  fuzz::require(!chunk.empty() && chunk.size() <= chunk_bytes_max, "sends a chunk of no size");
  const zmq::message_t sent{std::move(chunk)};
  return send(to, header, {});
}

void Wire::hang_up(ConnectionId connection) {
  if (ConnectionId* const found = find(connection)) *found = 0;
  std::erase_if(ready_, [&](const Incoming& in) { return in.connection == connection; });
}

/// The next step of the network; those of the program end a poll, and are passed by in a wait,
/// which could not end otherwise.
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

void Wire::drop(ConnectionId, std::string_view) {
  ++frames_dropped_;
}

std::string Address::endpoint(const std::string& port) const {
  return "tcp://" + number + ":" + port;
}

std::vector<Address> resolve(const std::string&) {
  return {{"127.0.0.1", false, true}};
}

Address local_address_towards(const Address&, std::uint16_t) {
  return {"127.0.0.1", false, true};
}

std::string try_connect(const Address&, std::uint16_t) {
  return "no answer";
}

}  // namespace rankwire::zmq_wire

namespace fuzz {

using namespace rankwire::zmq_wire;

void begin_network(Script& script) {
  network = {};
  network.script = &script;
}

ConnectionId a_caller(std::uint8_t index) {
  return network.callers.at(index) = ++network.last_id;
}

}  // namespace fuzz
