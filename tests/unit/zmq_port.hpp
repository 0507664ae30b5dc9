#pragma once

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <string>

#include "zmq_stranger.hpp"

namespace zmq_world {

/// A port, and the server's ends of the connections to it.
class Port {
 public:
  Port() : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_, generic, length) == 0);
    REQUIRE(getsockname(listener_, generic, &length) == 0);
    REQUIRE(listen(listener_, 10) == 0);
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~Port() { ::close(listener_); }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  [[nodiscard]] int accept_one() const { return ::accept(listener_, nullptr, nullptr); }
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }

 private:
  int listener_;
  std::string endpoint_;
};

struct Visit {
  explicit Visit(const Port& port) : stranger{port.endpoint()}, descriptor{port.accept_one()} {}
  ~Visit() { ::close(descriptor); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  RawStranger stranger;
  int descriptor;
};

}  // namespace zmq_world
