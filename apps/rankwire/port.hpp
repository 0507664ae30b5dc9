#pragma once

#include <cstdint>

namespace launcher {

/// A port of 127.0.0.1 that is kept free for a master to listen on.
///
/// The socket is bound and does not listen, which on Linux lets the master bind the same port (both
/// with SO_REUSEADDR, as libzmq sets it) while nobody gets it by chance. That includes the workers:
/// one that connects before the master listens could else be given the very port to connect from,
/// and be connected to itself.
class ReservedPort {
 public:
  /// `wanted` 0: any. Throws rankwire::UsageError when somebody listens there, or it is not
  /// allowed.
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
