#include <unistd.h>

#include <chrono>

#include "system.hpp"

// Channels whose life is cut across, on every transport (lifetimes.cpp).

using namespace test_system;

namespace {

/// How a program is started, with three ranks.
struct Start {
  std::string name;
  Arguments before, after;
};

std::vector<Start> starts() {
  std::vector<Start> all{{"inproc", {}, {"-n", "3"}}};
#if RANKWIRE_WITH_ZMQ
  all.push_back({"tcp", {LAUNCHER, "launch", "-n", "3", "--"}, {}});
  all.push_back({"ipc", {LAUNCHER, "launch", "--over", "ipc", "-n", "3", "--"}, {}});
#endif
#if RANKWIRE_WITH_MPI
  all.push_back({"mpi",
                 {MPIEXEC, "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle",
                  "1", "--mca", "mpi_warn_on_fork", "0", "-n", "3"},
                 {}});
#endif
  return all;
}

Result run(const Start& start, const std::string& how, int actor) {
  Command command{start.before + Arguments{LIFETIMES} + start.after +
                  Arguments{"--how", how, "--actor", std::to_string(actor)}};
  if (how.starts_with("fork")) command.environment = no_leak_check;
  if (getuid() == 0) {
    command.environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1";
    command.environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1";
  }
  return support::run(command);
}

}  // namespace

TEST_CASE("a watchdog's abort ends the world with its code, whatever the rank itself does") {
  for (const Start& start : starts()) {
    for (const std::string how :
         {"abort-receive", "abort-send", "abort-compute", "abort-close", "abort-crowd"}) {
      for (const int actor : {0, 1}) {
        // A worker's close has nobody to serve, and is over before the watchdog bites.
        if (how == "abort-close" && actor != 0) continue;
        CAPTURE(start.name);
        CAPTURE(how);
        CAPTURE(actor);
        CHECK_CODE(run(start, how, actor), 7);
      }
    }
  }
}

#if RANKWIRE_WITH_MPI
TEST_CASE("over MPI a watchdog's abort needs nothing of a rank that does not come back") {
  const auto start = std::chrono::steady_clock::now();
  CHECK_CODE(run(starts().back(), "abort-away", 1), 7);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{25});  // it sleeps for 30
}
#endif

TEST_CASE("what a rank starts has the usual signals, whatever this program was started with") {
  for (const std::string how : {"fork-pipe", "fork-exit"}) {
    CAPTURE(how);
    const auto result = support::run({{"bash", "-c", "trap '' CHLD PIPE; exec \"$0\" \"$@\"",
                                       LIFETIMES, "-n", "3", "--how", how},
                                      no_leak_check});
    CHECK_CODE(result, 0);
  }
}

#if RANKWIRE_WITH_ZMQ
TEST_CASE("over ipc a rank that dies is lost at once, though a process it has forked lives on") {
  for (const int actor : {0, 1}) {
    CAPTURE(actor);
    const auto result = run(starts()[2], "fork-hold", actor);
    CHECK_CODE(result, 9);
    CHECK_HAS(result.err, "exited with code 9");
    CHECK_FALSE(has(result.err, "SIGTERM"));  // by which the launcher ends the others after 5 s
    CHECK_FALSE(has(result.err, "not noticed"));
  }
}
#endif

TEST_CASE("a process that a rank has forked is no rank") {
  for (const Start& start : starts()) {
    for (const std::string how :
         {"fork-return", "fork-exit", "fork-leave", "fork-throw", "fork-calls", "fork-term",
          "fork-write", "fork-pipe", "fork-after"}) {
      for (const int actor : {0, 1}) {
        CAPTURE(start.name);
        CAPTURE(how);
        CAPTURE(actor);
        const auto result = run(start, how, actor);
        CHECK_CODE(result, 0);
        CHECK_FALSE(has(result.err, "was lost"));
        CHECK_FALSE(has(result.err, "cannot reach"));
        CHECK_FALSE(has(result.err, "ends the world"));
      }
    }
  }
}
