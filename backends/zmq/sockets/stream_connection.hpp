#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// A connection over TCP or a Unix socket that libzmq owns. It is known by its descriptor. libzmq
/// may close this at any moment, and the system may then use the number for another file. So this
/// object notes the system's own mark of the connection (a cookie), and compares it before it does
/// anything.
class StreamConnection {
 public:
  /// The connection that has this descriptor now, or nothing. When libzmq's event about a
  /// connection is read, the descriptor may belong to another one already: check the port
  /// (leads_to, came_to).
  [[nodiscard]] static std::optional<StreamConnection> at(int descriptor);
  /// leads_to: whether the other end is at that port. came_to: whether this end is. Both are true
  /// for a Unix socket, which has no port.
  [[nodiscard]] bool leads_to(std::uint16_t port) const;
  [[nodiscard]] bool came_to(std::uint16_t port) const;

  /// What the system knows of a TCP connection.
  struct Facts {
    std::uint64_t bytes_read = 0;             ///< received, and taken by libzmq
    std::chrono::milliseconds silent_for{0};  ///< since anything was received
  };
  /// Nothing if the descriptor belongs to another file by now, and for a Unix socket. Costs a few
  /// system calls.
  [[nodiscard]] std::optional<Facts> facts() const;

  /// Bytes that have come.
  struct Come {
    std::optional<std::uint64_t> total;  ///< taken by libzmq; of a Unix socket not known
    std::uint64_t waiting = 0;           ///< not taken yet
  };
  [[nodiscard]] Come come() const;

  /// The process at the other end of a Unix socket.
  struct Process {
    pid_t id = 0;  ///< 0: not visible from here, for example in another container
    uid_t user = 0;
  };
  /// Nothing for TCP.
  [[nodiscard]] const std::optional<Process>& process() const { return process_; }
  /// A pidfd: a file that becomes readable when that process has exited, even if another process,
  /// for example one that it forked, holds its end of the connection open. None for TCP, if the
  /// system does not give one, or if half of this process's files are in use.
  [[nodiscard]] Descriptor end_of_process() const;

  /// Tunes a connection of which both ends are on this host. A Unix socket gets a send buffer for a
  /// whole piece of a payload, as far as the system allows: 256 KiB take 39 us, and 44 with the 208
  /// KiB that Linux gives it. (4 MiB take longer with it, 0.8 ms instead of 0.64.) TCP with BBR as
  /// its congestion control gets Reno instead: BBR sends at the pace that it has measured, although
  /// there is no network to spare; 4 MiB take 0.83 ms instead of 0.61, and 16 MiB 4.6 ms instead of
  /// 3.1.
  void suit_one_host() const;

  [[nodiscard]] bool is_still_there() const;
  /// Whether the other side's system (over a Unix socket: its process) has taken all that was
  /// written. True for a connection that has ended.
  [[nodiscard]] bool has_sent_all() const;

  /// Ends the connection; libzmq sees it end. Resets TCP, so bytes that wait in the system are
  /// lost. Without the reset, a sender that has more to send than fits, and hears of no more room,
  /// would learn of the end only after a minute. Does nothing if the descriptor belongs to another
  /// file by now.
  void end() const;

  /// Like end(); and nothing more can be read from a Unix socket either.
  void end_unread() const;

  /// From now on the system throws away what comes over TCP, except acknowledgements. So the other
  /// side can still read what was sent to it. Changes nothing for a Unix socket.
  void discard_input() const;

 private:
  int descriptor_ = -1;
  std::uint64_t cookie_ = 0;
  std::optional<Process> process_;
};

}  // namespace rankwire::zmq_wire
