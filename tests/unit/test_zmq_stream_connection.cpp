#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "reach/address.hpp"
#include "reach/descriptor.hpp"
#include "sockets/stream_connection.hpp"

// What a connection over TCP is set to. Over Unix sockets: test_zmq_ipc.cpp.

using rankwire::zmq_wire::Descriptor;
using rankwire::zmq_wire::SocketAddress;
using rankwire::zmq_wire::StreamConnection;

namespace {

/// A connection between two addresses of this host.
struct Connection {
  Connection(const std::string& from, const std::string& to) {
    SocketAddress there = rankwire::zmq_wire::socket_address(to, 0);
    const SocketAddress here = rankwire::zmq_wire::socket_address(from, 0);
    listener = Descriptor{::socket(there.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    dialed = Descriptor{::socket(here.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    auto* const bound = reinterpret_cast<sockaddr*>(&there.bytes);
    stands = ::bind(listener.get(), there.get(), there.length) == 0 &&
             ::listen(listener.get(), 1) == 0 &&
             ::getsockname(listener.get(), bound, &there.length) == 0 &&
             ::bind(dialed.get(), here.get(), here.length) == 0 &&
             ::connect(dialed.get(), there.get(), there.length) == 0;
  }

  [[nodiscard]] bool set_control(const std::string& name) const {
    return stands && setsockopt(dialed.get(), IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                static_cast<socklen_t>(name.size())) == 0;
  }
  [[nodiscard]] std::string control() const {
    std::array<char, 16> name{};
    socklen_t length = name.size();
    REQUIRE(getsockopt(dialed.get(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &length) == 0);
    return name.data();
  }

  Descriptor listener{-1}, dialed{-1};
  bool stands = false;  ///< no: this host has no such addresses
};

/// The congestion control of such a connection that had `name`, after it was suited; empty, and
/// says why, where this system does not have it.
std::string suited(const std::string& from, const std::string& to, const std::string& name) {
  const Connection connection{from, to};
  if (!connection.set_control(name)) {
    MESSAGE("left out: " << from << " to " << to << " with " << name << ": not on this system");
    return {};
  }
  StreamConnection::at(connection.dialed.get())->suit_one_host();
  return connection.control();
}

}  // namespace

TEST_CASE("connection: BBR is left between two ends on one host, and nothing else") {
  for (const std::string address : {"127.0.0.1", "::1"}) {
    const std::string now = suited(address, address, "bbr");
    CHECK((now == "reno" || now.empty()));
  }
  for (const std::string other : {"cubic", "reno"}) {
    const std::string now = suited("127.0.0.1", "127.0.0.1", other);
    CHECK((now == other || now.empty()));
  }
  const std::string apart = suited("127.0.0.1", "127.0.0.2", "bbr");
  CHECK((apart == "bbr" || apart.empty()));
}

TEST_CASE("connection: the number of another one is left alone") {
  const Connection gone{"127.0.0.1", "127.0.0.1"}, other{"127.0.0.1", "127.0.0.1"};
  if (!other.set_control("bbr")) {
    MESSAGE("left out: no BBR on this system");
    return;
  }
  const auto connection = StreamConnection::at(gone.dialed.get());
  REQUIRE(dup2(other.dialed.get(), gone.dialed.get()) == gone.dialed.get());
  connection->suit_one_host();
  CHECK(other.control() == "bbr");
}
