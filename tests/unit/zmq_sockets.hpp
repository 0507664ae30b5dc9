#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "reach/address.hpp"
#include "reach/descriptor.hpp"
#include "reach/probe.hpp"

// Plain sockets and files for the tests of how ranks over ZeroMQ find each other.

namespace zmq_sockets {

namespace wire = rankwire::zmq_wire;

/// An IPv4 loopback port that is held, so that nobody else can have it.
class HeldPort {
 public:
  enum class How { bound, listening };  ///< bound only: whoever connects is refused

  explicit HeldPort(How how, const std::string& number = "127.0.0.1", std::uint16_t port = 0)
      : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    const wire::SocketAddress wanted = wire::socket_address(number, port);
    held_ = ::bind(socket_.get(), wanted.get(), wanted.length) == 0 &&
            (how == How::bound || ::listen(socket_.get(), 0) == 0);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &length);
    port_ = ntohs(reinterpret_cast<const sockaddr_in&>(own).sin_port);
    endpoint_ = fmt::format("tcp://{}:{}", number, port_);
  }

  [[nodiscard]] bool held() const { return held_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  wire::Descriptor socket_;
  bool held_ = false;
  std::uint16_t port_ = 0;
  std::string endpoint_;
};

/// Two ports, one beside the other, both held.
struct HeldPair {
  HeldPort first, second;
};
inline HeldPair two_ports(HeldPort::How how, const std::string& number = "127.0.0.1") {
  constexpr int attempts_max = 200;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    HeldPort first{how, number};
    if (first.port() == UINT16_MAX) continue;
    HeldPort second{how, number, static_cast<std::uint16_t>(first.port() + 1)};
    if (second.held()) return {std::move(first), std::move(second)};
  }
  FAIL("no two free ports side by side");
  std::abort();
}

/// A listener whose queue is full: who connects hears nothing, as from a host that is cut off.
class DeafPort {
 public:
  DeafPort() : port_{HeldPort::How::listening} {
    // Linux lets in one more than the backlog of 0 says; the rest waits for an answer.
    for (int i = 0; i < 4; ++i) waiting_.emplace_back(port_.endpoint(), std::chrono::hours{1});
  }
  [[nodiscard]] const std::string& endpoint() const { return port_.endpoint(); }

 private:
  HeldPort port_;
  std::vector<wire::Probe> waiting_;
};

inline bool has_ipv6() {
  const bool there = wire::is_of_this_machine({.number = "::1", .v6 = true});
  if (!there) MESSAGE("skipped: this machine has no IPv6");
  return there;
}

/// A folder of its own that goes away with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "rankwire-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{path_}, {}));
  }

 private:
  std::filesystem::path path_;
};

inline void write(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

inline std::string content(const std::string& path) {
  std::ifstream file{path};
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace zmq_sockets
