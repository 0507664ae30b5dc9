#include <cstdlib>
#include <regex>

#include "system.hpp"

// A sender that is faster than its receiver (clause 3): the window bounds the memory of both.
// RANKWIRE_TEST_LONG=1 sends 10 GB with the default window; else a little with a small one.

using namespace test_system;

namespace {

/// What `flood` says of a rank.
struct Report {
  std::string sums;
  std::uint64_t bytes = 0, peak_kib = 0, window_kib = 0;
};

Report report_of(int rank, const std::string& output) {
  const std::regex line{"rank " + std::to_string(rank) +
                        ": (\\d+ messages, (\\d+) bytes, sum \\w+), peak (\\d+) KiB, window "
                        "(\\d+) KiB\n"};
  std::smatch match;
  REQUIRE_MESSAGE(std::regex_search(output, match, line), output);
  return {match[1], std::stoull(match[2]), std::stoull(match[3]), std::stoull(match[4])};
}

void check_memory(const Report& report) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  MESSAGE("memory is not looked at: a sanitizer needs more than the window allows");
#else
  CHECK(report.peak_kib <= report.window_kib + 64 * 1024);
#endif
}

void flood(int from, int to) {
  const bool is_long = std::getenv("RANKWIRE_TEST_LONG") != nullptr;
  const std::uint64_t bytes = is_long ? 10'000'000'000 : 300'000'000;
  const auto result = support::run({{LAUNCHER, "launch", "-n", "3", "--", FLOOD, "--window",
                                     is_long ? "64MiB" : "8MiB", "--bytes", std::to_string(bytes),
                                     "--from", std::to_string(from), "--to", std::to_string(to)}},
                                   std::chrono::minutes{is_long ? 10 : 3});
  CHECK_CODE(result, 0);
  if (is_long) MESSAGE(result.out);
  const auto sender = report_of(from, result.out);
  const auto receiver = report_of(to, result.out);
  CHECK(sender.bytes >= bytes);
  CHECK(sender.sums == receiver.sums);
  check_memory(sender);
  check_memory(receiver);
}

}  // namespace

TEST_CASE("back-pressure: a worker floods the master") {
  flood(1, 0);
}

TEST_CASE("back-pressure: the master floods a worker") {
  flood(0, 1);
}

TEST_CASE("back-pressure: a worker floods another") {
  flood(1, 2);
}
