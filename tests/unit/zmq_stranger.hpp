#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

// Those who reach a port and are no ranks: one speaks ZeroMQ, the other writes what it wants.

namespace zmq_world {

inline std::vector<std::byte> random_bytes(std::size_t size) {
  std::mt19937 random{42};
  std::vector<std::byte> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// Speaks ZeroMQ through libzmq.
struct Stranger {
  explicit Stranger(const std::string& endpoint) {
    socket.set(zmq::sockopt::linger, 1000);
    socket.set(zmq::sockopt::rcvtimeo, 10'000);
    socket.connect(endpoint);
  }
  void send(std::span<const std::byte> bytes, zmq::send_flags flags = zmq::send_flags::none) {
    socket.send(zmq::const_buffer{bytes.data(), bytes.size()}, flags);
  }
  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::dealer};
};

/// A TCP connection to a port of 127.0.0.1 on which anything may be written.
class RawStranger {
 public:
  /// Waits for somebody to listen there.
  explicit RawStranger(const std::string& endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int port = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    constexpr int attempts_max = 1000;
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
      socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
      ::close(std::exchange(socket_, -1));
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    throw std::runtime_error{"nobody listens at " + endpoint};
  }
  RawStranger(RawStranger&& other) noexcept : socket_{std::exchange(other.socket_, -1)} {}
  ~RawStranger() {
    if (socket_ >= 0) ::close(socket_);
  }
  RawStranger(const RawStranger&) = delete;
  RawStranger& operator=(const RawStranger&) = delete;
  RawStranger& operator=(RawStranger&&) = delete;

  /// False when the other side has hung up.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  bool write(std::span<const std::byte> bytes) const {
    return write(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  /// A write or a read that takes longer fails.
  void give_up_after(std::chrono::milliseconds time) const {
    const timeval limit{.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
    setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  /// Waits for something to read; at most as much as fits.
  void read_some(std::span<char> into) const { (void)::recv(socket_, into.data(), into.size(), 0); }

  /// Reads and forgets until the other side hangs up; false when it does not within `patience`.
  [[nodiscard]] bool is_hung_up(std::chrono::seconds patience) const {
    const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::vector<char> forgotten(4096);
    ssize_t size = 0;
    do {
      size = ::recv(socket_, forgotten.data(), forgotten.size(), 0);
    } while (size > 0);
    return size == 0 || errno == ECONNRESET;
  }

  /// Shakes hands as a DEALER. Who says more before the other side is ready, too, does not get
  /// through: libzmq ends such a connection, whatever it is that it says.
  [[nodiscard]] bool shake_hands() const {
    if (!write(handshake())) return false;
    constexpr std::size_t greeting_bytes = 64, head_bytes = 2;
    std::string said(greeting_bytes + head_bytes, '\0');
    if (!read_all(said)) return false;
    std::string ready(static_cast<unsigned char>(said.back()), '\0');
    return read_all(ready);
  }

  /// Of this end.
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in here{};
    socklen_t length = sizeof here;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &length);
    return ntohs(here.sin_port);
  }

  /// What a DEALER of ZMTP 3.0 says first: greeting, mechanism NULL, READY.
  static std::string handshake() {
    std::string greeting = std::string("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
    greeting.resize(64, '\0');
    const std::string ready = std::string(
        "\x05READY\x0bSocket-Type\0\0\0\x06"
        "DEALER",
        28);
    return greeting + '\x04' + static_cast<char>(ready.size()) + ready;
  }
  /// The head of a frame of ZMTP, with its length as eight bytes.
  static std::string frame_head(std::uint64_t size, bool more) {
    std::string head(1, more ? '\x03' : '\x02');
    for (int shift = 56; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift);
    return head;
  }

 private:
  [[nodiscard]] bool read_all(std::span<char> into) const {
    return ::recv(socket_, into.data(), into.size(), MSG_WAITALL) ==
           static_cast<ssize_t>(into.size());
  }

  int socket_ = -1;
};

}  // namespace zmq_world
