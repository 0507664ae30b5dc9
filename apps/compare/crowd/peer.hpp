#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace comparison {

/// One connection of a DEALER without keys, in ZMTP 3.1: as libzmq makes it, but without a socket
/// and a thread of its own, so that a process can have ten thousand. Neither waits nor throws, but
/// for a failure to make a socket at all.
class Peer {
 public:
  using Frame = std::function<void(std::span<const std::byte> first_part)>;

  Peer() = default;
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  Peer(Peer&&) = delete;
  Peer& operator=(Peer&&) = delete;

  /// Begins to connect to a port of this host. What is sent meanwhile goes out once that stands.
  void connect(std::uint16_t port);
  /// The connection's file; negative: there is none.
  [[nodiscard]] int descriptor() const { return file_; }
  /// Whether some bytes could not be written yet.
  [[nodiscard]] bool has_output() const { return !out_.empty(); }

  /// Sends a message of one part.
  void send(std::span<const std::byte> part);
  /// Shows the other side that this one lives, whatever else it says.
  void ping();
  /// Reads and writes what can be; calls `take` with the first part of each message that has come.
  /// Returns false once the connection has ended; then it is closed.
  [[nodiscard]] bool go_on(const Frame& take);

 private:
  [[nodiscard]] bool read();
  void parse(const Frame& take);
  void write();
  void close();

  int file_ = -1;
  bool greeted_ = false;  // the other's greeting has come
  bool ready_ = false;    // and its READY: the handshake is over
  bool skips_ = false;    // the rest of a message of several parts comes
  std::string in_, out_;
  std::string later_;  // what is sent once the handshake is over
};

}  // namespace comparison
