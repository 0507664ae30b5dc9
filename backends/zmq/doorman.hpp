#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Watches those who have called the listener.
///
/// Strangers, who have not said yet that they belong here: libzmq bounds a frame and the time of
/// its own handshake; it does not bound how many strangers there are, how long one stays who has
/// shaken hands, nor how many frames a message has before its last: all of that would wait in our
/// memory.
///
/// Those let in, whose libzmq says something each second: who is silent for too long has stopped,
/// or is cut off. The listener has no heartbeats of libzmq's: where a caller calls again, and its
/// old connection is ended for the new one, libzmq 4.3.4 may abort the process for them ("Assertion
/// failed: !_io_error", seen here). This asks the system when bytes last came instead, so that a
/// slow connection is none that is silent.
///
/// Who exceeds a limit has its TCP connection reset, which libzmq takes for the end of it. A
/// number of a file may be closed by libzmq, and used for another, at any moment: the address of
/// the caller is noted, and compared before anything is done.
class Doorman {
 public:
  struct Limits {
    /// From the call to the word that lets it in. A worker that computes while libzmq mends its
    /// connection is silent, too.
    std::chrono::milliseconds stay{30'000};
    std::size_t strangers = 2048;  ///< at once; the oldest has to go
    /// What it may send before: more than any hello, less than would hurt.
    std::uint64_t bytes = std::uint64_t{1} << 20;
    /// Before this its bytes are not counted: its word may wait to be read, and behind it what a
    /// rank sends again after a cut.
    std::chrono::milliseconds unread{500};
    std::chrono::milliseconds silence{4'000};  ///< of one that was let in
  };

  Doorman() = default;
  explicit Doorman(const Limits& limits) : limits_{limits} {}

  /// A connection was accepted under this number of a file.
  void came(int descriptor);
  /// It belongs here.
  void let_in(int descriptor);
  /// It ended.
  void gone(int descriptor) {
    strangers_.erase(descriptor);
    guests_.erase(descriptor);
  }

  /// Ends those who exceed a limit; gives the number of strangers among them, and logs the first.
  /// Looks at strangers ten times a second, at the others four times within the silence: a system
  /// call for each.
  std::uint64_t look();

 private:
  /// Where a caller called from: tells it from the next that has its descriptor.
  struct Caller {
    sockaddr_storage address{};
    socklen_t address_bytes = 0;
  };
  struct Stranger {
    Caller caller;
    Deadline until = Deadline::never();
    Deadline counted_from = Deadline::never();
    std::uint64_t order = 0;  // of arrival
  };

  [[nodiscard]] static std::optional<Caller> caller_at(int descriptor);
  [[nodiscard]] static bool is_still(int descriptor, const Caller& caller);
  [[nodiscard]] bool exceeds(int descriptor, const Stranger& stranger) const;
  void show_out(int descriptor, const Stranger& stranger);
  void expire_the_oldest();
  void look_at_guests();

  Limits limits_;
  std::unordered_map<int, Stranger> strangers_;
  std::unordered_map<int, Caller> guests_;
  std::uint64_t calls_ = 0;
  std::uint64_t shown_out_ = 0;
  Deadline next_look_ = Deadline::poll();
  Deadline next_look_at_guests_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
