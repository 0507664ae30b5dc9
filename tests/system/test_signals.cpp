#include <unistd.h>

#include "system.hpp"

// Programs that have a profiler in them, or a timer of their own: their sources are built once more
// with ../support/signals.cpp. The build says where they are: PRODUCT_SIGNALS, LAUNCHER_SIGNALS.

using namespace test_system;

namespace {

constexpr int times = 5;

void check_golden(const Arguments& arguments, int ranks) {
  Command command{arguments, {{"TEST_SIGNAL_US", "300"}}};
  if (getuid() == 0) {
    command.environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
    command.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  }
  for (int i = 0; i < times; ++i) {
    const auto result = support::run(command);
    CHECK_CODE(result, 0);
    CHECK(result.out == golden(ranks));
  }
}

}  // namespace

TEST_CASE("signals again and again: ranks in one process") {
  check_golden({PRODUCT_SIGNALS, "-n", "4"}, 4);
}

#if RANKWIRE_WITH_ZMQ
TEST_CASE("signals again and again: launched, over TCP and Unix sockets, and so is the launcher") {
  check_golden({LAUNCHER_SIGNALS, "launch", "-n", "4", "--", PRODUCT_SIGNALS}, 4);
  check_golden({LAUNCHER_SIGNALS, "launch", "--over", "ipc", "-n", "4", "--", PRODUCT_SIGNALS}, 4);
}

TEST_CASE("signals again and again: a rank that is killed is still named, and its code kept") {
  const auto result = support::run({{LAUNCHER_SIGNALS, "launch", "-n", "3", "--", PRODUCT_SIGNALS,
                                     "--format", "json", "--fail", "1:crash"},
                                    {{"TEST_SIGNAL_US", "300"}}});
  CHECK_CODE(result, 137);
  CHECK_HAS(result.out, json_line(2));
}
#endif

#if RANKWIRE_WITH_MPI
TEST_CASE("signals again and again: under mpiexec") {
  check_golden({MPIEXEC, "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle",
                "1", "-n", "4", PRODUCT_SIGNALS},
               4);
}
#endif
