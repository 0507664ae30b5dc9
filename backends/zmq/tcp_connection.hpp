#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>

namespace rankwire::zmq_wire {

/// A TCP connection that libzmq owns, looked at by the number of its file. libzmq may close that
/// number at any moment, and the system use it for another: both ends' addresses are noted, and
/// compared before anything is done to it.
class TcpConnection {
 public:
  /// The one that has this number now; nothing when none has.
  [[nodiscard]] static std::optional<TcpConnection> at(int descriptor);

  /// What the system knows of it, since it began.
  struct Facts {
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_acknowledged = 0;     ///< of those sent, by the other side's system
    std::chrono::milliseconds silent_for{0};  ///< since anything was received
  };
  /// Nothing when the number is another's by now. A few system calls.
  [[nodiscard]] std::optional<Facts> facts() const;

  /// Resets it, which libzmq takes for the end of it. With less, another side that has more to send
  /// than fits, and to which no room is told any more, would not learn of the end for a minute.
  /// Does nothing when the number is another's by now.
  void end() const;

 private:
  struct Address {
    sockaddr_storage address{};
    socklen_t bytes = sizeof(sockaddr_storage);
    [[nodiscard]] bool operator==(const Address& other) const;
  };

  [[nodiscard]] bool is_still_there() const;

  int descriptor_ = -1;
  Address own_, peer_;
};

}  // namespace rankwire::zmq_wire
