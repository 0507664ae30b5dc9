#include "turns.hpp"

#include <thread>

namespace rankwire::zmq_wire {

void Turns::enter() noexcept {
  while (!take()) std::this_thread::yield();
}

void Turns::leave() noexcept {
  do {
    taken_.store(false);
    // Where somebody else took the turn in between, it looks when it leaves.
    if (!due_.load() || !take()) return;
    due_.store(false);
    work_.do_due();
  } while (true);
}

void Turns::due() noexcept {
  due_.store(true);
  if (take()) leave();
}

}  // namespace rankwire::zmq_wire
