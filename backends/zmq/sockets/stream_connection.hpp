#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {

/// A connection that libzmq owns, over TCP or a Unix socket, looked at by the number of its file.
/// libzmq may close that number at any moment, and the system use it for another: the system's own
/// mark of the connection is noted, and compared before anything is done to it.
class StreamConnection {
 public:
  /// The one that has this number now; nothing when none has. The number may be another's already
  /// when libzmq's word of it is read: then the port tells.
  [[nodiscard]] static std::optional<StreamConnection> at(int descriptor);
  /// Whether the other side, or this one, is at that port; true of a Unix socket, which has none.
  [[nodiscard]] bool leads_to(std::uint16_t port) const;
  [[nodiscard]] bool came_to(std::uint16_t port) const;

  /// What the system knows of a TCP connection, since it began.
  struct Facts {
    std::uint64_t bytes_read = 0;             ///< received, and taken by libzmq
    std::chrono::milliseconds silent_for{0};  ///< since anything was received
  };
  /// Nothing when the number is another's by now, and for a Unix socket, of which the system counts
  /// nothing. A few system calls.
  [[nodiscard]] std::optional<Facts> facts() const;

  /// The process at the other end of a Unix socket.
  struct Process {
    pid_t id = 0;  ///< 0: not to be seen from here, as one of another container
    uid_t user = 0;
  };
  /// Nothing for TCP.
  [[nodiscard]] const std::optional<Process>& process() const { return process_; }
  /// Whether that process is stopped just now, by SIGSTOP or a debugger. Reads one small file of
  /// /proc.
  [[nodiscard]] bool process_is_stopped() const;

  /// A file of the system's that can be read once that process has exited (a pidfd), also where its
  /// end of the connection is held open by another, such as one that it has forked. None for TCP,
  /// where the system does not give one, and where files of this process are half used up.
  [[nodiscard]] Descriptor end_of_process() const;

  /// TCP whose congestion control is BBR has Reno from now on, where both ends are on this host:
  /// BBR sends at the pace that it has measured, and there is no network to spare; 4 MiB take 0.83
  /// ms instead of 0.61, and 16 MiB 4.6 ms instead of 3.1.
  void suit_one_host() const;

  [[nodiscard]] bool is_still_there() const;
  /// Whether the other side's system has taken all that was written (over a Unix socket: its
  /// process); true of one that has ended.
  [[nodiscard]] bool has_sent_all() const;

  /// Ends it, which libzmq takes for the end of it: resets TCP, and what waits to be read in the
  /// system is forgotten. With less, another side that has more to send than fits, and to which no
  /// room is told any more, would not learn of the end for a minute. Does nothing when the number
  /// is another's by now.
  void end() const;

  /// The same, and nothing more can be read of a Unix socket either.
  void end_unread() const;

  /// From now on the system throws away what comes over TCP, but for acknowledgements: what was
  /// sent can still be read over there. Over a Unix socket nothing changes.
  void stop_listening() const;

 private:
  int descriptor_ = -1;
  std::uint64_t cookie_ = 0;
  std::optional<Process> process_;
};

}  // namespace rankwire::zmq_wire
