#include <cstdlib>
#include <ctime>

#include "harness.hpp"

namespace conformance {
namespace {

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Of a second. Where signals come all the time (TEST_SIGNAL_US), each wakes the wait.
double idle_cpu_seconds_max() {
  return std::getenv("TEST_SIGNAL_US") == nullptr ? 0.25 : 0.7;
}

}  // namespace

CONFORMANCE_CASE("12: a blocked wait costs next to no CPU", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  const double before = thread_cpu_seconds();
  EXPECT(!world.recv((world.rank() + 1) % world.size(), 1, 1s));
  // CPU time, not elapsed time: what else the machine does adds nothing. Spinning would cost 1 s.
  EXPECT(thread_cpu_seconds() - before < idle_cpu_seconds_max());
  for (int other = 0; other < world.size(); ++other) world.send(other, 2, Buffer{});
  for (int other = 0; other < world.size(); ++other) must_recv(world, other, 2);
}

namespace {

/// As where a rank has a core of its own, however many cores and ranks there are here.
Settings long_yield() {
  Settings settings;
  settings.wait.spin = 50us;
  settings.wait.yield = 1ms;
  return settings;
}

}  // namespace

CONFORMANCE_CASE("12: a loop of short waits costs little CPU, too",
                 Needs{.ranks_min = 2, .settings = long_yield()}) {
  Channel& world = self.world();
  const double before = thread_cpu_seconds();
  const Deadline end = 1s;
  while (!end.expired()) EXPECT(!world.recv((world.rank() + 1) % world.size(), 1, 1ms));
  // Who spins and yields anew in each of them burns all that it gets of a core.
  EXPECT(thread_cpu_seconds() - before < idle_cpu_seconds_max());
  for (int other = 0; other < world.size(); ++other) world.send(other, 2, Buffer{});
  for (int other = 0; other < world.size(); ++other) must_recv(world, other, 2);
}

}  // namespace conformance
