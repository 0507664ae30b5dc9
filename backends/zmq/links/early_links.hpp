#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/protocol.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Calls of processes that the master has not told of yet: a newcomer may dial another worker
/// before that worker has heard of it. What they say is kept until then, within bounds.
class EarlyLinks {
 public:
  struct Call {
    LinkHello hello;
    std::uint32_t received = 0;      ///< how many frames of the link the caller has received
    std::vector<Incoming> frames{};  ///< that came behind the call
    bool dropped = false;  ///< there were more than are kept; they are to be asked for again
    bool ended = false;    ///< the connection: nothing more comes
  };

  /// Keeps at most so many calls, and so many bytes of frames behind all of them.
  EarlyLinks(std::size_t calls_max, std::uint64_t bytes_max)
      : calls_max_{calls_max}, bytes_max_{bytes_max} {}

  /// False: there are too many.
  [[nodiscard]] bool add(ConnectionId connection, Call&& call);
  /// The call that came over this connection; null for another connection. Until the next add or
  /// take.
  [[nodiscard]] Call* find(ConnectionId connection);
  /// A frame behind the call.
  void keep(Call& call, Incoming&& frame);
  /// Takes out the calls of this process, in the order of their numbers.
  [[nodiscard]] std::vector<std::pair<ConnectionId, Call>> take(const Member& member);

 private:
  std::size_t calls_max_;
  std::uint64_t bytes_max_;
  std::unordered_map<ConnectionId, Call> calls_;
  std::uint64_t bytes_ = 0;  // that wait in them
};

}  // namespace rankwire::zmq_wire
