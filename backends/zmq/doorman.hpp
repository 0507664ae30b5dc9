#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "rankwire/deadline.hpp"
#include "stream_connection.hpp"

namespace rankwire::zmq_wire {

/// Watches strangers: those who have called the listener and not said yet that they belong here.
/// libzmq bounds a frame and the time of its own handshake; it does not bound how many strangers
/// there are, how long one stays who has shaken hands, nor how many frames a message has before its
/// last: all of that would wait in our memory. Who exceeds a limit has its connection ended.
class Doorman {
 public:
  struct Limits {
    /// From the call to the word that lets it in. A worker that computes while libzmq mends its
    /// connection is silent, too.
    std::chrono::milliseconds stay{30'000};
    std::size_t strangers = 2048;  ///< at once; the oldest has to go
    /// What it may send before: more than any hello, less than would hurt. Over TCP: of a Unix
    /// socket the system counts nothing, and its callers are processes of the same user.
    std::uint64_t bytes = std::uint64_t{1} << 20;
    /// Before this its bytes are not counted: its word may wait to be read, and behind it what a
    /// rank sends again after a cut.
    std::chrono::milliseconds unread{500};
  };

  Doorman() = default;
  explicit Doorman(const Limits& limits) : limits_{limits} {}

  /// A connection was accepted under this number of a file.
  void came(int descriptor);
  /// It belongs here, or it ended.
  void forget(int descriptor) { strangers_.erase(descriptor); }

  /// Ends those who exceed a limit; gives their number, and logs the first. Ten times a second it
  /// makes three system calls for each.
  std::uint64_t look();

 private:
  struct Stranger {
    StreamConnection connection;
    Deadline until = Deadline::never();
    Deadline counted_from = Deadline::never();
    std::uint64_t order = 0;  // of arrival
  };

  [[nodiscard]] bool exceeds(const Stranger& stranger) const;
  void show_out(const Stranger& stranger);
  void expire_the_oldest();

  Limits limits_;
  std::unordered_map<int, Stranger> strangers_;
  std::uint64_t calls_ = 0;
  std::uint64_t shown_out_ = 0;
  Deadline next_look_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
