#include <algorithm>
#include <cstdlib>

#include "system.hpp"

// Many workers at one master. RANKWIRE_TEST_LONG=1 takes up to 500, which must all have come within
// half a minute, and 10,000 that one process plays, and prints what they cost; else 60, and 1,000.
// And all to all: 200 ranks (4 GB of memory), else 100.

using namespace test_system;

namespace {

Result launch(int ranks, const Arguments& program) {
  return support::run({Arguments{LAUNCHER, "launch", "-n", std::to_string(ranks), "--"} + program},
                      std::chrono::minutes{5});
}

Result played(const Arguments& arguments) {
  return support::run({Arguments{COMPARE, "crowd"} + arguments}, std::chrono::minutes{5});
}

/// All pairs connect, all at once: the host is as busy as it gets. Nobody may take that for a loss
/// or a closed way.
Result check_all_to_all(int ranks) {
  CAPTURE(ranks);
  auto result =
      support::run({Arguments{LAUNCHER, "launch", "-n", std::to_string(ranks), "--", ALL_TO_ALL}},
                   std::chrono::minutes{10});
  CHECK_CODE(result, 0);
  CHECK(has(result.out, ": 0 wrong, 0 relayed"));
  CHECK_FALSE(has(result.err, "cannot reach"));
  MESSAGE(result.out);
  return result;
}

/// The figure of the line that begins so; -1 if there is none.
double figure(const std::string& table, const std::string& line) {
  const auto at = table.find(line);
  return at == std::string::npos ? -1 : std::stod(table.substr(at + line.size()));
}

}  // namespace

TEST_CASE("many: 60 workers join one master, and each is heard") {
  const auto result = launch(61, {PRODUCT, "--format", "json"});
  CHECK_CODE(result, 0);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 60);
}

TEST_CASE("many: 10, 100 and 500 workers") {
  if (std::getenv("RANKWIRE_TEST_LONG") == nullptr) {
    MESSAGE("skipped: takes minutes, and a machine that does nothing else: RANKWIRE_TEST_LONG=1");
    return;
  }
  for (const int workers : {10, 100, 500}) {
    CAPTURE(workers);
    const auto result = launch(workers + 1, {COMPARE, "crowd", "--join-timeout", "30s"});
    CHECK_CODE(result, 0);
    MESSAGE(result.out);
  }
}

TEST_CASE("many: all to all, without a relay or a loss") {
  CHECK_FALSE(has(check_all_to_all(100).err, " broke; "));
}

TEST_CASE("many: 200 and 500 ranks, all to all") {
  if (std::getenv("RANKWIRE_TEST_LONG") == nullptr) {
    MESSAGE("skipped: takes 14 GB of memory, and minutes: RANKWIRE_TEST_LONG=1");
    return;
  }
  CHECK_FALSE(has(check_all_to_all(200).err, " broke; "));
  check_all_to_all(500);  // here a connection may break for a while
}

TEST_CASE("many: 1,000 workers that one process plays come, work and leave") {
  const auto result = played({"--quick"});
  CHECK_CODE(result, 0);
  CHECK(has(result.out, "A world of 1001 processes over zmq"));
  CHECK(figure(result.out, "from there until all workers have left") > 0);
}

TEST_CASE("many: 10,000 played workers") {
  if (std::getenv("RANKWIRE_TEST_LONG") == nullptr) {
    MESSAGE("skipped: wants a machine that does nothing else: RANKWIRE_TEST_LONG=1");
    return;
  }
  const auto result = played({});
  CHECK_CODE(result, 0);
  MESSAGE(result.out);
  // What is promised on a machine of two cores, with a factor for others.
  CHECK(figure(result.out, "from the first start to a complete world") < 2 * 20'000.0);
  CHECK(figure(result.out, "resident memory then") < 1.5 * 300 * 1024);
  CHECK(figure(result.out, "from there until all workers have left") < 2 * 5'000.0);
}
