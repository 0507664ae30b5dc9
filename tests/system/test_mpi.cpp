#include <csignal>
#include <regex>

#include "mpiexec.hpp"

using namespace test_system;

namespace {

/// The pid that a rank of the waiter has said.
pid_t pid_of(const Process& process, int rank) {
  const std::regex line{"rank " + std::to_string(rank) + " waits, pid ([0-9]+)\\."};
  std::smatch match;
  REQUIRE(std::regex_search(process.so_far().err, match, line));
  return static_cast<pid_t>(std::stol(match[1]));
}

}  // namespace

TEST_CASE("mpiexec is recognised, the output is the golden one") {
  for (const int ranks : {1, 2, 4, 12}) {
    CAPTURE(ranks);
    const auto result = support::run(mpiexec(ranks, {PRODUCT}));
    CHECK_CODE(result, 0);
    CHECK(result.out == golden(ranks));
  }
}

TEST_CASE("another number of ranks than mpiexec's is refused") {
  const auto result = support::run(mpiexec(4, {PRODUCT, "-n", "3"}));
  CHECK_CODE(result, 2);
  CHECK_HAS(result.err, "3 ranks");
  CHECK_HAS(result.err, "started 4");
  CHECK(support::run(mpiexec(2, {PRODUCT, "-n", "2"})).out == golden(2));
}

TEST_CASE("--fail over MPI: the master does not hang") {
  SUBCASE("crash ends as mpiexec ends it") {
    const auto result = support::run(mpiexec(4, {PRODUCT, "--fail", "2:crash"}));
    CHECK(result.code != 0);
    CHECK_HAS(result.err, "signal 9");
  }
  SUBCASE("leave") {
    const auto result =
        support::run(mpiexec(4, {PRODUCT, "--format", "json", "--fail", "2:leave"}));
    CHECK_CODE(result, 3);
    CHECK_HAS(result.out, json_line(1));
    CHECK_HAS(result.out, json_line(3));
    CHECK_HAS(result.err, "rank 2 (");
    CHECK_HAS(result.err, " left ");
  }
  SUBCASE("hang") {
    const auto result = support::run(
        mpiexec(4, {PRODUCT, "--format", "json", "--fail", "2:hang", "--timeout", "5s"}));
    CHECK_CODE(result, 4);
    CHECK_HAS(result.out, json_line(1));
    CHECK_HAS(result.out, json_line(3));
    CHECK_HAS(result.err, "gave no result within 5s");
  }
}

TEST_CASE("SIGINT at any rank, or at mpiexec, ends the world") {
  for (const int rank : {-1, 0, 1, 2}) {
    CAPTURE(rank);
    Process process{mpiexec(3, {WAITER})};
    for (int r = 0; r < 3; ++r) process.wait_for_text("rank " + std::to_string(r) + " waits, pid ");
    kill(rank < 0 ? process.pid() : pid_of(process, rank), SIGINT);
    const auto result = process.wait();
    CHECK(result.code != 0);
    if (rank >= 0) CHECK_HAS(result.err, "rank " + std::to_string(rank) + " (");
    if (rank >= 0) CHECK_HAS(result.err, "interrupted by SIGINT");
  }
}

TEST_CASE("a killed rank ends the world") {
  Process process{mpiexec(3, {WAITER})};
  for (int r = 0; r < 3; ++r) process.wait_for_text("rank " + std::to_string(r) + " waits, pid ");
  kill(pid_of(process, 1), SIGKILL);
  CHECK(process.wait().code != 0);
}
