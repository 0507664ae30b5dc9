#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <array>
#include <string>
#include <thread>

#include "reach/descriptor.hpp"
#include "sockets/gate.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/wire.hpp"
#include "zmq_port.hpp"
#include "zmq_sockets.hpp"
#include "zmq_stranger.hpp"

// What strangers can cost has limits, one by one. All of them together: .ci/run hostile.

using namespace std::chrono_literals;
namespace wire = rankwire::zmq_wire;
using wire::Gate;
using zmq_sockets::HeldPort;

namespace {

/// Attempts to connect to `port`, all at once; how many of them stand soon.
int connected(std::uint16_t port, int attempts) {
  constexpr int patience_ms = 300;
  const wire::SocketAddress there = wire::socket_address("127.0.0.1", port);
  std::vector<wire::Descriptor> sockets;
  for (int i = 0; i < attempts; ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    (void)::connect(sockets.back().get(), there.get(), there.length);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds{patience_ms});
  int standing = 0;
  for (const auto& socket : sockets) {
    pollfd item{socket.get(), POLLOUT, 0};
    if (::poll(&item, 1, 0) == 1 && (item.revents & (POLLERR | POLLHUP)) == 0) ++standing;
  }
  return standing;
}

/// A listener, not libzmq's.
struct Listener {
  Listener() : socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    wire::SocketAddress address = wire::socket_address("127.0.0.1", 0);
    auto* const bound = reinterpret_cast<sockaddr*>(&address.bytes);
    REQUIRE(::bind(socket.get(), address.get(), address.length) == 0);
    REQUIRE(::listen(socket.get(), 1000) == 0);
    REQUIRE(::getsockname(socket.get(), bound, &address.length) == 0);
    port = ntohs(reinterpret_cast<const sockaddr_in*>(bound)->sin_port);
  }
  wire::Descriptor socket;
  std::uint16_t port = 0;
};

void look_later(Gate& gate) {
  std::this_thread::sleep_for(20ms);
  gate.look();
}

std::vector<wire::Incoming> all_that_comes(wire::Wire& listener, std::chrono::milliseconds time) {
  std::vector<wire::Incoming> all;
  const rankwire::Deadline end = time;
  while (auto incoming = listener.receive(end)) all.push_back(std::move(*incoming));
  return all;
}

long frames_in(const std::vector<wire::Incoming>& all) {
  return std::count_if(all.begin(), all.end(), [](const wire::Incoming& incoming) {
    return incoming.what == wire::Incoming::What::frame;
  });
}

}  // namespace

TEST_CASE("gate: closed while the budget is used up, it lets a few callers through; then all") {
  constexpr int callers = 60;
  const Listener listener;
  Gate gate;
  gate.guard(listener.socket.get());
  gate.look();
  CHECK_FALSE(gate.is_closed());
  CHECK(connected(listener.port, callers) == callers);
  gate.charge(5000 * Gate::cost_of_call);
  look_later(gate);
  CHECK(gate.is_closed());
  const int passed = connected(listener.port, callers);
  CHECK(passed > 0);  // one of four
  CHECK(passed < callers / 2);
  gate.give_back(2 * Gate::cost_of_offence + 300);
  look_later(gate);
  CHECK_FALSE(gate.is_closed());
  CHECK(connected(listener.port, callers) == callers);
}

TEST_CASE("gate: opens by itself, a few seconds after the last charge") {
  const Listener listener;
  Gate gate;
  gate.guard(listener.socket.get());
  gate.charge(1'000'000);
  gate.look();
  CHECK(gate.is_closed());
  const rankwire::Deadline end = 30s;
  while (gate.is_closed() && !end.expired()) look_later(gate);
  CHECK_FALSE(gate.is_closed());
}

TEST_CASE("gate: calls that come to something cost nothing") {
  const Listener listener;
  Gate gate;
  gate.guard(listener.socket.get());
  for (int i = 0; i < 100'000; ++i) {
    gate.charge(Gate::cost_of_call);
    gate.give_back(Gate::cost_of_call);
  }
  gate.look();
  CHECK_FALSE(gate.is_closed());
}

TEST_CASE("log limit: so many lines, of which the last says that no more come; all are counted") {
  wire::LogLimit limit{3};
  std::string said;
  for (int i = 0; i < 10; ++i) {
    if (limit.admits()) said += "line" + std::string{limit.end()} + "\n";
  }
  CHECK(said == "line\nline\nline; more are only counted\n");
  CHECK(limit.count() == 10);
}

TEST_CASE(
    "farewell: what is sent to who is not listened to any more arrives, what he says does not") {
  const zmq_world::Port port;
  const zmq_world::Visit visit{port};
  wire::StreamConnection::at(visit.descriptor)->discard_input();
  CHECK(visit.stranger.write(std::string(100'000, 'x')));
  REQUIRE(::send(visit.descriptor, "bye", 3, MSG_NOSIGNAL) == 3);
  std::array<char, 8> heard{};
  visit.stranger.give_up_after(10s);
  visit.stranger.read_some(heard);
  CHECK(std::string{heard.data()} == "bye");
  std::this_thread::sleep_for(300ms);
  CHECK(::recv(visit.descriptor, heard.data(), heard.size(), MSG_DONTWAIT) == -1);
  int not_acknowledged = -1;
  REQUIRE(ioctl(visit.descriptor, SIOCOUTQ, &not_acknowledged) == 0);
  CHECK(not_acknowledged == 0);
}

TEST_CASE("doorman: of a crowd no more than so many stand at a time, while they come") {
  constexpr std::size_t limit = 40, crowd = 200;
  const zmq_world::Port port;
  wire::Doorman doorman{{.stay = 1h, .strangers = limit, .bytes = 1000}};
  std::vector<std::unique_ptr<zmq_world::Visit>> visits;
  std::uint64_t shown_out = 0;
  for (std::size_t i = 0; i < crowd; ++i) {
    visits.push_back(std::make_unique<zmq_world::Visit>(port));
    doorman.came(visits.back()->descriptor);
    shown_out += doorman.look(3 * i);
    // Who has to go stays for one more look: what it has said must have been read.
    CHECK(i + 1 - shown_out <= limit + limit / 8 + 2);
  }
  CHECK(visits.front()->stranger.is_hung_up(10s));
}

TEST_CASE("wire: a stranger may say hello eight times, and is shown out then") {
  wire::Wire listener{30s, {}};
  const auto endpoint =
      listener.listen({{.number = "127.0.0.1", .loopback = true}}, {}, false).front();
  zmq_world::Stranger stranger{endpoint};
  for (int i = 0; i < 20; ++i) {
    stranger.send(wire::to_bytes({.kind = wire::Kind::hello, .tag = wire::protocol_version}));
  }
  CHECK(frames_in(all_that_comes(listener, 2s)) == 8);
  CHECK(listener.frames_dropped() > 0);
}

TEST_CASE("wire: of a message with more frames than ours have nothing is taken") {
  // Whatever is left when two frames, or three, are taken at a time.
  for (const int parts : {5000, 5001, 5002}) {
    CAPTURE(parts);
    wire::Wire listener{30s, {}};
    const auto endpoint =
        listener.listen({{.number = "127.0.0.1", .loopback = true}}, {}, false).front();
    zmq_world::Stranger endless{endpoint};
    const auto word = wire::to_bytes({.kind = wire::Kind::hello, .tag = wire::protocol_version});
    for (int i = 1; i < parts; ++i) endless.send(word, zmq::send_flags::sndmore);
    endless.send(word);
    std::this_thread::sleep_for(200ms);
    zmq_world::Stranger other{endpoint};  // of which nothing is taken for a rest
    other.send(word);
    std::this_thread::sleep_for(200ms);
    CHECK(frames_in(all_that_comes(listener, 1s)) == 1);
    CHECK(listener.frames_dropped() > 0);
  }
}

TEST_CASE("wire: who spoke and ended before it was read is not taken for one without keys") {
  wire::Wire listener{30s, {}};
  const auto endpoint =
      listener.listen({{.number = "127.0.0.1", .loopback = true}}, {}, false).front();
  {
    zmq_world::Stranger speaks{endpoint};
    speaks.send(wire::to_bytes({.kind = wire::Kind::hello, .tag = wire::protocol_version}));
    std::this_thread::sleep_for(200ms);
  }
  std::this_thread::sleep_for(200ms);  // it has ended, and nobody has looked
  CHECK(frames_in(all_that_comes(listener, 1s)) == 1);
  CHECK(listener.frames_dropped() == 0);
  {
    const zmq_world::RawStranger refused{endpoint};
    CHECK(refused.write("\xff" + std::string(8, '\0') + "\x7f\x03\x01" + "CURVE" +
                        std::string(64 - 17, '\0')));
    std::this_thread::sleep_for(200ms);
  }
  (void)all_that_comes(listener, 1s);
  CHECK(listener.frames_dropped() == 1);
}
