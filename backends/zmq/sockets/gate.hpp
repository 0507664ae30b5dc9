#pragma once

#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// Who is shown out may call again at once, and each call costs libzmq's thread up to a
/// millisecond, and our memory what it says before it is heard. So calls that come to nothing are
/// charged to a budget that fills up with time; while it is used up, the system lets only every
/// fourth attempt to connect over TCP through, at random, and drops the others without an answer.
/// Whoever belongs here tries again, a second later, and gets in after some. Connections that stand
/// are not concerned.
class Gate {
 public:
  /// A socket that listens, by the number of its file.
  void guard(int descriptor) { listening_.push_back(descriptor); }

  static constexpr double cost_of_call = 1;   ///< given back when it comes to something
  static constexpr double cost_of_stay = 32;  ///< for too long, or with too much
  static constexpr double cost_of_offence = 256;
  static constexpr double cost_of_frame = 0.01;  ///< that is thrown away
  void charge(double cost) { used_ += cost; }
  void give_back(double cost) { used_ -= cost; }

  /// Opens and closes; a hundred times a second, as long as something is charged.
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
