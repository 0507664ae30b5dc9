#pragma once

#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Makes it hard to call again and again in vain. A caller that is shown out may call again at
/// once. Each call costs libzmq's thread up to a millisecond, and our memory what the caller sends
/// before it is heard.
///
/// So calls that come to nothing are charged to a budget, which fills up with time. While it is
/// used up, the gate is closed: the system lets only every fourth attempt to connect over TCP
/// through, at random, and drops the others without an answer. A caller that belongs here tries
/// again a second later, and gets in after some attempts. Connections that stand are not affected.
class Gate {
 public:
  /// Adds a socket that listens, by its descriptor.
  void guard(int descriptor) { listening_.push_back(descriptor); }

  static constexpr double cost_of_call = 1;   ///< given back if the caller belongs here
  static constexpr double cost_of_stay = 32;  ///< a stranger stayed too long or sent too much
  static constexpr double cost_of_offence = 256;
  static constexpr double cost_of_frame = 0.01;  ///< a frame that is thrown away
  void charge(double cost) { used_ += cost; }
  void give_back(double cost) { used_ -= cost; }

  /// Opens or closes the gate. Acts a hundred times a second, as long as something is charged.
  void look();

  [[nodiscard]] bool is_closed() const { return closed_; }

 private:
  void close() const;
  void open() const;

  std::vector<int> listening_;
  double used_ = 0;
  bool closed_ = false;
  Deadline::Clock::time_point looked_{};
  Deadline next_look_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
