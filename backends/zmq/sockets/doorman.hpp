#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "rankwire/deadline.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/stream_connection.hpp"

namespace rankwire::zmq_wire {

/// Watches strangers: callers that have not yet said that they belong here. libzmq bounds the size
/// of a frame's part, and the time of its own handshake. It does not bound how many strangers there
/// are, how long one stays after its handshake, nor how many parts a frame has; all of that would
/// wait in our memory. The Doorman ends the connection of a stranger that exceeds a limit.
///
/// The Wire judges what a stranger says in whole frames.
class Doorman {
 public:
  struct Limits {
    /// From the call to the message that lets it in. A worker whose program begins to compute right
    /// after it has dialed is silent, too.
    std::chrono::milliseconds stay{30'000};
    /// From the answer that it does not belong here: time to read that.
    std::chrono::milliseconds farewell{1000};
    std::size_t strangers = 2048;  ///< at once; beyond that the oldest have to go
    /// The bytes that libzmq may have read of it: more than any hello. (Bytes that wait in the
    /// system do not count: there the system bounds them, and they may begin with the message that
    /// lets it in, if libzmq's thread gets no core.) Only over TCP: for a Unix socket the system
    /// does not count bytes, and its callers are processes of the same user.
    std::uint64_t bytes = std::uint64_t{64} << 10;
  };

  /// Allows fewer strangers at once if a quarter of this process's descriptors is less.
  Doorman();
  explicit Doorman(const Limits& limits) : limits_{limits} {}

  /// A connection was accepted; its file has this descriptor.
  void came(int descriptor);
  /// The stranger waits for a place: it may stay, but send no more than others.
  void let_wait(int descriptor);
  /// A caller was told that it does not belong here; it may have belonged before. It is not
  /// listened to any more, and its connection ends soon.
  void bid_farewell(int descriptor);
  /// The caller belongs here, or its connection has ended.
  void forget(int descriptor) {
    strangers_.erase(descriptor);
    waiting_.erase(descriptor);
  }

  /// Ends the connections of strangers that exceed a limit. Returns how many, and logs the first
  /// ones. `sweeps` counts how often the Wire has read all its callers in turn (Wire::Source). A
  /// stranger that has sent too much, or has to go, may have said who it is in a frame that was not
  /// read yet. So it stays until `sweeps` has grown by two: by then that frame was read. Looks a
  /// hundred times a second, less often if there are many strangers: each costs three system calls.
  /// Those who wait for a place are looked at less often: they are known, and may be thousands.
  std::uint64_t look(std::uint64_t sweeps);
  /// When the next look is due.
  [[nodiscard]] Deadline next_look() const {
    const Deadline waiting = waiting_.empty() ? Deadline::never() : next_look_at_waiting_;
    return strangers_.empty() ? waiting : next_look_.sooner(waiting);
  }

 private:
  struct Stranger {
    StreamConnection connection;
    Deadline until = Deadline::never();
    std::uint64_t order = 0;   // of its arrival
    std::uint64_t sweeps = 0;  // at the look that found it to exceed a limit; 0: none did
    bool leaves = false;
  };
  using Strangers = std::unordered_map<int, Stranger>;  // by descriptor

  [[nodiscard]] bool exceeds(Stranger& stranger, std::uint64_t sweeps) const;
  void look_at(Strangers& strangers, std::uint64_t sweeps);
  void show_out(const Stranger& stranger);
  void expire_the_oldest();

  Limits limits_;
  Strangers strangers_;
  Strangers waiting_;  // those who wait for a place
  std::uint64_t calls_ = 0;
  LogLimit shown_out_{10};
  Deadline next_look_ = Deadline::poll(), next_look_at_waiting_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
