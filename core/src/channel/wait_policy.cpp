#include "rankwire/backend/wait_policy.hpp"

namespace rankwire {

WaitPolicy wait_policy(const WaitSettings& said, const Crowd& crowd) {
  using std::chrono::microseconds, std::chrono::nanoseconds;
  const bool crowded = crowd.ranks > crowd.cores;
  if (crowd.served) {
    // Its thread wakes up fast on a core that does not fall asleep; more is only heat, since what
    // takes longer than this one way is not waited for awake.
    const microseconds yield{crowded ? 0 : 50};
    return {said.spin.value_or(microseconds{0}), said.yield.value_or(yield), said.sleep_max};
  }
  // As long as an answer takes that comes at once from another core. Who spins longer may be
  // spinning on the very core that the other rank was given: with 20 us, a message took 20 us more.
  const nanoseconds spin{crowded ? 0 : 500};
  // Where all cores are wanted, yielding for longer takes from those who compute. Who must poll
  // sleeps badly: with less than 1 ms, both ranks fell asleep in each other's transfers of 1 MiB.
  const microseconds yield{crowded && crowd.woken ? 50 : 1000};
  return {said.spin ? nanoseconds{*said.spin} : spin, said.yield.value_or(yield), said.sleep_max};
}

}  // namespace rankwire
