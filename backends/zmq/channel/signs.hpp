#pragma once

#include <algorithm>
#include <chrono>

#include "links/link_table.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/settings.hpp"
#include "sockets/silence.hpp"

namespace rankwire::zmq_wire {

/// The master's signs of life: an acknowledgement over each link, three times within the silence
/// that ends a connection. A worker hears so that the master and the way there live, also while its
/// own PINGs wait behind something large. (PINGs of libzmq's would do. But libzmq looks through all
/// the timers of a listener whenever a connection comes or goes, and each connection would have
/// one: with 10,000 workers seconds of its thread.) Over ipc the system tells (Silence).
class Signs {
 public:
  /// Both outlive this. `ranks`: the workers are 1..ranks-1.
  Signs(LinkTable& links, int ranks, const Settings& settings)
      : links_{links}, ranks_{ranks}, interval_{interval_of(settings)}, next_{interval_} {}

  /// Gives the signs that are due. To be called in each round of a wait, and while the program
  /// computes.
  void give() {
    if (!next_.expired()) return;
    next_ = interval_;
    for (int rank = 1; rank < ranks_; ++rank) {
      if (Link* const link = links_.out(rank)) link->acknowledge();
    }
  }

 private:
  [[nodiscard]] static std::chrono::milliseconds interval_of(const Settings& settings) {
    constexpr std::chrono::milliseconds interval_max{1000};
    return std::min(silence_max(settings) / 3, interval_max);
  }

  LinkTable& links_;
  int ranks_;
  std::chrono::milliseconds interval_;
  Deadline next_;
};

}  // namespace rankwire::zmq_wire
