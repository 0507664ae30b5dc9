#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "rankwire/deadline.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/stream_connection.hpp"

namespace rankwire::zmq_wire {

/// Watches strangers: those who have called the listener and not said yet that they belong here.
/// libzmq bounds a frame and the time of its own handshake; it does not bound how many strangers
/// there are, how long one stays who has shaken hands, nor how many frames a message has before its
/// last: all of that would wait in our memory. Who exceeds a limit has its connection ended.
///
/// What a stranger says in whole messages is judged by the Wire, one by one.
class Doorman {
 public:
  struct Limits {
    /// From the call to the word that lets it in. A worker whose program begins to compute
    /// right after it has dialed is silent, too.
    std::chrono::milliseconds stay{30'000};
    /// From the answer that it does not belong here: time to read it.
    std::chrono::milliseconds farewell{1000};
    std::size_t strangers = 2048;  ///< at once; the oldest has to go
    /// What libzmq may have read of it before: more than any hello. (What waits in the system has a
    /// limit there, and may begin with the word that lets it in, when libzmq's thread gets no
    /// core.) Over TCP: of a Unix socket the system counts nothing, and its callers are processes
    /// of the same user.
    std::uint64_t bytes = std::uint64_t{64} << 10;
  };

  /// With fewer strangers at once where a quarter of the descriptors of this process is less.
  Doorman();
  explicit Doorman(const Limits& limits) : limits_{limits} {}

  /// A connection was accepted under this number of a file.
  void came(int descriptor);
  /// It waits for a place: it may stay, and has still not more to say than others.
  void let_wait(int descriptor);
  /// Of anyone, also of one that did belong here: it was told that it does not. It is not listened
  /// to any more, and goes soon.
  void bid_farewell(int descriptor);
  /// It belongs here, or it ended.
  void forget(int descriptor) { strangers_.erase(descriptor); }

  /// Ends those who exceed a limit; gives their number, and logs the first. `sweeps` counts how
  /// often all that had come over all connections was taken in: who has sent much may have said who
  /// it is, and what it says was not read yet. A hundred times a second, fewer where there are
  /// many: three system calls for each.
  std::uint64_t look(std::uint64_t sweeps);
  /// When the next look is due.
  [[nodiscard]] Deadline next_look() const {
    return strangers_.empty() ? Deadline::never() : next_look_;
  }

 private:
  struct Stranger {
    StreamConnection connection;
    Deadline until = Deadline::never();
    std::uint64_t order = 0;   // of arrival
    std::uint64_t sweeps = 0;  // at the look that found too many bytes; 0: none has
    bool waits = false, leaves = false;
  };

  [[nodiscard]] bool exceeds(Stranger& stranger, std::uint64_t sweeps) const;
  void show_out(const Stranger& stranger);
  void expire_the_oldest();

  Limits limits_;
  std::unordered_map<int, Stranger> strangers_;
  std::uint64_t calls_ = 0;
  LogLimit shown_out_{10};
  Deadline next_look_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
