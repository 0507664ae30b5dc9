#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "reach/address.hpp"
#include "reach/descriptor.hpp"
#include "sockets/wire.hpp"
#include "zmq_stranger.hpp"

// Those who call a Wire's listener, and are sent away or end.

using namespace std::chrono_literals;
namespace wire = rankwire::zmq_wire;
using wire::ConnectionId;
using wire::Incoming;
using What = Incoming::What;

namespace {

constexpr auto patience = 30s;

std::string listen(wire::Wire& listener) {
  return listener.listen({{.number = "127.0.0.1", .loopback = true}}, {}, false).front();
}

std::vector<std::byte> hello() {
  const auto bytes = wire::to_bytes({.kind = wire::Kind::hello, .tag = wire::protocol_version});
  return {bytes.begin(), bytes.end()};
}

/// The same by hand; whether it could be said.
bool says_hello(const zmq_world::RawStranger& stranger) {
  const auto word = hello();
  return stranger.shake_hands() &&
         stranger.write(std::string{'\0', static_cast<char>(word.size())}) && stranger.write(word);
}

/// The first hello that comes; 0: none.
ConnectionId caller_of_hello(wire::Wire& listener) {
  const rankwire::Deadline end = patience;
  while (const auto incoming = listener.receive(end)) {
    if (incoming->what == What::frame) return incoming->connection;
  }
  return 0;
}

/// What comes of `caller` until its end.
struct Last {
  int frames = 0;
  bool ended = false;
};
Last last_of(wire::Wire& listener, ConnectionId caller, std::chrono::milliseconds within) {
  Last last;
  const rankwire::Deadline end = within;
  while (!last.ended) {
    const auto incoming = listener.receive(end);
    if (!incoming) return last;
    if (incoming->connection != caller) continue;
    last.frames += incoming->what == What::frame ? 1 : 0;
    last.ended = incoming->what == What::down;
  }
  return last;
}

}  // namespace

TEST_CASE("wire: who was sent away is not listened to again, whatever it had said before") {
  for (const bool answered : {false, true}) {
    CAPTURE(answered);
    wire::Wire listener{30s, {}};
    zmq_world::Stranger stranger{listen(listener)};
    for (int i = 0; i < 5; ++i) stranger.send(hello());
    const auto caller = caller_of_hello(listener);
    REQUIRE(caller != 0);
    std::this_thread::sleep_for(300ms);  // the others are there, too, and not read
    if (answered) {
      listener.bid_farewell(caller);
    } else {
      listener.show_out(caller);
    }
    const auto dropped = listener.frames_dropped();
    listener.let_in(caller);
    listener.listen_to(caller);
    const Last last = last_of(listener, caller, patience);
    CHECK(last.frames == 0);
    CHECK(last.ended);
    CHECK(listener.frames_dropped() >= dropped + 4);
  }
}

// Of a caller the silence is 2 s at least, noticed up to an eighth of it later. Twice that and 2 s
// more is for a busy machine.
TEST_CASE("wire: a caller that falls silent is ended in time, a rank or not") {
  for (const bool is_rank : {true, false}) {
    CAPTURE(is_rank);
    wire::Wire listener{100ms, {}};
    const zmq_world::RawStranger silent{listen(listener)};
    const auto start = rankwire::Deadline::Clock::now();
    REQUIRE(says_hello(silent));
    const auto caller = caller_of_hello(listener);
    REQUIRE(caller != 0);
    if (is_rank) {
      listener.listen_to(caller);
    } else {
      listener.let_in(caller);
    }
    CHECK(last_of(listener, caller, patience).ended);
    const auto time = rankwire::Deadline::Clock::now() - start;
    CHECK(time >= 1900ms);
    CHECK(time <= 2 * 2250ms + 2s);
  }
}

namespace {

/// The file of this process whose other end is `port` of this host; -1: none.
int descriptor_to(std::uint16_t port) {
  constexpr int descriptors_max = 1000;
  for (int fd = 0; fd < descriptors_max; ++fd) {
    sockaddr_in there{};
    socklen_t length = sizeof there;
    if (getpeername(fd, reinterpret_cast<sockaddr*>(&there), &length) == 0 &&
        there.sin_family == AF_INET && ntohs(there.sin_port) == port) {
      return fd;
    }
  }
  return -1;
}

/// So that the next file that is opened has this number or a higher one.
void fill_up_to(int descriptor) {
  int last = -1;
  while (last < descriptor) last = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(last);
}

/// A connection whose end libzmq never sees, since its file was closed behind its back; that its
/// number is another's tells the Wire of the end. libzmq would not survive to close the number
/// twice: so the process ends before.
bool ends_without_last_words() {
  wire::Wire listener{30s, {}};
  const auto endpoint = listen(listener);
  const zmq_world::RawStranger first{endpoint};
  if (!says_hello(first)) return false;
  const auto caller = caller_of_hello(listener);
  if (caller == 0) return false;
  listener.listen_to(caller);
  const int number = descriptor_to(first.port());
  fill_up_to(number);
  const wire::Descriptor second{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto there = wire::socket_address("127.0.0.1", wire::port_of(endpoint));
  close(number);
  if (connect(second.get(), there.get(), there.length) != 0) return false;
  const bool ended = last_of(listener, caller, patience).ended;
  _exit(ended ? 0 : 1);
}

}  // namespace

TEST_CASE(
    "wire: the wait for the last words of a caller that has ended is no longer than a while") {
  const pid_t child = fork();
  if (child == 0) _exit(ends_without_last_words() ? 0 : 2);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

// Of each more is left than a listener reads of it in some rounds, and the ends are known first.
TEST_CASE("wire: of callers that end together all frames come, and then their ends") {
  constexpr std::size_t callers = 40, frames_each = 40;
  wire::Wire listener{30s, {}};
  const std::string endpoint = listen(listener);
  std::map<ConnectionId, std::size_t> frames_of;
  {
    std::vector<std::unique_ptr<zmq_world::Stranger>> strangers;
    for (std::size_t i = 0; i < callers; ++i) {
      strangers.push_back(std::make_unique<zmq_world::Stranger>(endpoint));
      strangers.back()->send(hello());
      const auto caller = caller_of_hello(listener);
      REQUIRE(caller != 0);
      listener.listen_to(caller);
      frames_of[caller] = 0;
    }
    REQUIRE(frames_of.size() == callers);
    const auto bytes = wire::to_bytes({.kind = wire::Kind::ack});
    for (std::size_t i = 0; i < frames_each; ++i) {
      for (const auto& stranger : strangers) stranger->send({bytes.begin(), bytes.end()});
    }
    std::this_thread::sleep_for(500ms);  // they have sent all, and nothing of it was read
  }
  std::this_thread::sleep_for(500ms);
  std::size_t ended = 0;
  const rankwire::Deadline end = patience;
  while (ended < callers) {
    const auto incoming = listener.receive(end);
    REQUIRE(incoming);
    REQUIRE(frames_of.contains(incoming->connection));
    if (incoming->what == What::frame) {
      ++frames_of[incoming->connection];
    } else {
      CHECK(frames_of[incoming->connection] == frames_each);
      ++ended;
    }
  }
  CHECK(listener.frames_dropped() == 0);
}
