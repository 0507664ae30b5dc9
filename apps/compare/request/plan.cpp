#include "request/plan.hpp"

namespace comparison {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = 1024 * kib;

/// About 20 s for all transports of one machine.
Plan quick() {
  return {.name = "quick",
          .pairs = 2,
          .round = 15ms,
          .flood_round = 20ms,
          .idle = 200ms,
          .wake_round = 100ms,
          .latency_bytes = {8, 4 * kib, 64 * kib, mib, 16 * mib},
          .bandwidth_bytes = {64 * kib, mib},
          .workers = {1, 2},
          .start_ranks = {2},
          .start_pairs = 1,
          .world_max = 90s};
}

/// About two minutes.
Plan usual() {
  return {
      .name = "usual",
      .pairs = 5,
      .round = 35ms,
      .flood_round = 40ms,
      .idle = 1s,
      .wake_round = 250ms,
      .latency_bytes = {8, 64, 512, 4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib, 16 * mib},
      .bandwidth_bytes = {4 * kib, 64 * kib, mib, 4 * mib, 16 * mib},
      .workers = {1, 2, 4},
      .start_ranks = {1, 2, 4},
      .start_pairs = 3,
      .world_max = 180s};
}

/// About 17 minutes.
Plan thorough() {
  return {.name = "thorough",
          .pairs = 11,
          .round = 170ms,
          .flood_round = 250ms,
          .idle = 5s,
          .wake_round = 1s,
          .latency_bytes = {8, 64, 256, kib, 4 * kib, 16 * kib, 32 * kib, 64 * kib, 128 * kib,
                            256 * kib, mib, 4 * mib, 16 * mib},
          .bandwidth_bytes = {4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib, 16 * mib},
          .workers = {1, 2, 4, 7},
          .start_ranks = {1, 2, 4, 8},
          .start_pairs = 9,
          .world_max = 900s};
}

/// What --check looks at; about ten minutes.
Plan check() {
  return {.name = "check",
          .pairs = 7,
          .round = 100ms,
          .flood_round = 120ms,
          .idle = 1s,
          .wake_round = 250ms,
          .latency_bytes = {8, kib, 4 * kib, 16 * kib, 64 * kib, 256 * kib, mib, 4 * mib, 16 * mib},
          .bandwidth_bytes = {mib, 4 * mib, 16 * mib},
          .workers = {},
          .start_ranks = {},
          .start_pairs = 1,
          .world_max = 180s};
}

}  // namespace

Plan plan_of(Length length) {
  switch (length) {
    case Length::quick:
      return quick();
    case Length::thorough:
      return thorough();
    case Length::check:
      return check();
    case Length::usual:
      break;
  }
  return usual();
}

const std::vector<std::string>& all_measures() {
  static const std::vector<std::string> names{"latency", "bandwidth", "rate", "record",
                                              "fan-in",  "start",     "idle", "wake"};
  return names;
}

const std::vector<std::string>& check_measures() {
  static const std::vector<std::string> names{"allocations", "copies", "backlog", "deadlines",
                                              "burst"};
  return names;
}

const std::vector<std::string>& all_transports() {
  static const std::vector<std::string> names{"inproc", "mpi-shm", "mpi-tcp", "zmq-tcp", "zmq-ipc"};
  return names;
}

}  // namespace comparison
