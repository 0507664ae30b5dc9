#include "rankwire/backend/wait_policy.hpp"

namespace rankwire {

WaitPolicy wait_policy(const WaitSettings& said, const Crowd& crowd) {
  using std::chrono::microseconds, std::chrono::nanoseconds;
  const bool crowded = crowd.ranks > crowd.cores;
  if (crowd.served) {
    // The transport's thread wakes up fast while the core does not sleep. A longer yield only makes
    // heat: anything that takes longer than one message is not waited for awake.
    const microseconds yield{crowded ? 0 : 50};
    return {said.spin.value_or(microseconds{0}), said.yield.value_or(yield), said.sleep_max};
  }
  // As long as an answer from another core takes if it comes at once. A longer spin may occupy the
  // very core that the other rank was given: with 20 us, a message took 20 us more.
  const nanoseconds spin{crowded ? 0 : 500};
  // If all cores are in use, a longer yield takes time from ranks that compute. A rank that must
  // poll does badly when it sleeps: with less than 1 ms, both ranks fell asleep during each other's
  // transfers of 1 MiB.
  const microseconds yield{crowded && crowd.woken ? 50 : 1000};
  return {said.spin ? nanoseconds{*said.spin} : spin, said.yield.value_or(yield), said.sleep_max};
}

}  // namespace rankwire
