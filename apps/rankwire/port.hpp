#pragma once

#include <cstdint>

namespace launcher {

/// A port of 127.0.0.1 that is kept free for a master to listen on.
///
/// The socket is bound but does not listen. On Linux the master can then bind the same port (both
/// use SO_REUSEADDR, as libzmq does), while nobody else gets it by chance. That includes the
/// workers: one that connects before the master listens could otherwise be given this very port to
/// connect from, and be connected to itself.
class ReservedPort {
 public:
  /// `wanted` 0 means any port. Throws rankwire::UsageError if a process listens there, or the port
  /// is not allowed.
  explicit ReservedPort(int wanted);
  ~ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  [[nodiscard]] int number() const { return number_; }

 private:
  int socket_;
  int number_ = 0;
};

}  // namespace launcher
