#include "links/turns.hpp"

#include <chrono>
#include <thread>

namespace rankwire::zmq_wire {

void Turns::enter() noexcept {
  constexpr int yields = 1000;  // then the holder aborts: sleep
  for (int tries = 0; !take(); ++tries) {
    if (tries < yields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
  }
}

void Turns::leave() noexcept {
  do {
    taken_.store(false);
    // If another thread took the turn in between, it does the work when it leaves.
    if (!due_.load() || !take()) return;
    due_.store(false);
    work_.do_due();
  } while (true);
}

void Turns::due() noexcept {
  due_.store(true);
  if (try_enter()) leave();
}

}  // namespace rankwire::zmq_wire
