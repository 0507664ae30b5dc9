#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/protocol.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Calls of processes that the master has not announced yet: a newcomer may dial another worker
/// before that worker hears of it. The calls and the frames behind them are kept until then, within
/// bounds.
class EarlyLinks {
 public:
  struct Call {
    LinkHello hello;
    std::uint32_t received = 0;      ///< how many frames of the link the caller has received
    std::vector<Incoming> frames{};  ///< frames that came behind the call
    bool dropped = false;            ///< more came than are kept; ask for them again
    bool ended = false;              ///< the connection has ended: nothing more comes
  };

  /// Keeps at most `calls_max` calls, and at most `bytes_max` bytes of frames behind all of them.
  EarlyLinks(std::size_t calls_max, std::uint64_t bytes_max)
      : calls_max_{calls_max}, bytes_max_{bytes_max} {}

  /// Keeps a call. False if there are too many.
  [[nodiscard]] bool add(ConnectionId connection, Call&& call);
  /// The call that came over `connection`, or null. Valid until the next add() or take().
  [[nodiscard]] Call* find(ConnectionId connection);
  /// Keeps a frame that came behind `call`.
  void keep(Call& call, Incoming&& frame);
  /// Removes and returns the calls of the process that is `member`, in the order of their numbers.
  [[nodiscard]] std::vector<std::pair<ConnectionId, Call>> take(const Member& member);

 private:
  std::size_t calls_max_;
  std::uint64_t bytes_max_;
  std::unordered_map<ConnectionId, Call> calls_;
  std::uint64_t bytes_ = 0;  // of the frames in calls_
};

}  // namespace rankwire::zmq_wire
