#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "sockets/stream_connection.hpp"
#include "sockets/wire.hpp"
#include "zmq_port.hpp"

// How a Wire ends, while the other side still speaks and then breaks off.

using namespace std::chrono_literals;
namespace wire = rankwire::zmq_wire;
using zmq_world::RawStranger;

namespace {

/// Accepts a connection of `dialer`, and says what a peer of libzmq's says first.
int shake_hands(const zmq_world::Port& port, wire::Wire& dialer) {
  const int descriptor = port.accept_one();
  const std::string handshake = RawStranger::handshake();
  CHECK(::send(descriptor, handshake.data(), handshake.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(handshake.size()));
  const auto up = dialer.receive(10s);
  CHECK((up && up->what == wire::Incoming::What::up));
  return descriptor;
}

void reset(int descriptor) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(descriptor);
}

/// More than the systems at both ends take.
void send_much(wire::Wire& dialer, wire::ConnectionId to) {
  const std::vector<std::byte> megabyte(std::size_t{1} << 20);
  const wire::Header header{.kind = wire::Kind::data, .bytes = megabyte.size()};
  for (int i = 0; i < 64; ++i) CHECK(dialer.send(to, header, megabyte));
}

void say(int descriptor, const std::string& what) {
  const std::string frame = RawStranger::frame_head(what.size(), false) + what;
  CHECK(::send(descriptor, frame.data(), frame.size(), MSG_NOSIGNAL) ==
        static_cast<ssize_t>(frame.size()));
}

}  // namespace

// libzmq that lingers is aborted by it, and this process with it.
TEST_CASE("closing: the other side speaks and breaks off while there is much to hand over") {
  const zmq_world::Port port;
  int descriptor = -1;
  std::thread other;
  {
    wire::Wire dialer{1s, {}};
    const auto to = dialer.dial(port.endpoint(), wire::frame_bytes_max(wire::piece_bytes_min));
    descriptor = shake_hands(port, dialer);
    send_much(dialer, to);
    dialer.set_linger(4s);
    other = std::thread{[descriptor] {
      for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(100ms);
        say(descriptor, "still here");
      }
      reset(descriptor);
      std::this_thread::sleep_for(1s);  // a PING is due
    }};
  }
  other.join();
}

TEST_CASE("closing: it waits until the other side has taken all, and not for longer") {
  const zmq_world::Port port;
  std::thread reader;
  std::size_t taken = 0;
  const auto start = std::chrono::steady_clock::now();
  {
    wire::Wire dialer{10s, {}};  // the system ends a connection over which nothing goes for so long
    const auto to = dialer.dial(port.endpoint(), wire::frame_bytes_max(wire::piece_bytes_min));
    const int descriptor = shake_hands(port, dialer);
    send_much(dialer, to);
    dialer.set_linger(60s);
    reader = std::thread{[descriptor, &taken] {
      std::this_thread::sleep_for(1s);
      std::vector<char> into(std::size_t{1} << 20);
      for (ssize_t size = 1; size > 0;
           taken += static_cast<std::size_t>(std::max<ssize_t>(size, 0)))
        size = ::recv(descriptor, into.data(), into.size(), 0);
      ::close(descriptor);
    }};
  }
  reader.join();
  CHECK(taken > std::size_t{64} << 20);
  CHECK(std::chrono::steady_clock::now() - start < 30s);
}

TEST_CASE("closing: a side that takes nothing is waited for as long as the linger") {
  const zmq_world::Port port;
  std::chrono::steady_clock::time_point start;
  int descriptor = -1;
  {
    wire::Wire dialer{10s, {}};
    const auto to = dialer.dial(port.endpoint(), wire::frame_bytes_max(wire::piece_bytes_min));
    descriptor = shake_hands(port, dialer);
    send_much(dialer, to);
    dialer.set_linger(2s);
    start = std::chrono::steady_clock::now();  // what comes before takes its time on a busy machine
  }
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 2s);
  CHECK(took < 10s);
  ::close(descriptor);
}
