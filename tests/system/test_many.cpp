#include <algorithm>
#include <cstdlib>

#include "system.hpp"

// Many workers at one master. RANKWIRE_TEST_LONG=1 takes up to 500, which must all have come within
// half a minute, and prints what they cost; else 60.

using namespace test_system;

namespace {

Result launch(int ranks, const Arguments& program) {
  return support::run({Arguments{LAUNCHER, "launch", "-n", std::to_string(ranks), "--"} + program},
                      std::chrono::minutes{5});
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
