#include "worlds/check.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <functional>

#include "results/statistics.hpp"
#include "worlds/promises.hpp"
#include "worlds/worlds.hpp"

namespace comparison {
namespace {

using Names = std::vector<std::string>;

/// Worlds that measure the same, and the promises that are seen in what they find.
struct Look {
  std::string transport;
  Names measures;
  std::function<std::vector<Promise>(const Results&)> promises;
  Names environment{};
  int worlds = 1;
};

/// How the system spreads the threads of libzmq over the cores is settled when a world begins, and
/// makes a large payload over TCP take up to twice as long, by libzmq alone, too: pairs of one
/// world have that in common.
constexpr int zmq_tcp_worlds = 5;

std::vector<Look> all_looks() {
  using Makers = std::vector<std::vector<Promise> (*)(const Results&, const std::string&)>;
  const auto with_common = [](const std::string& transport, Names measures, Makers makers) {
    measures.insert(measures.end(),
                    {"idle", "wake", "allocations", "copies", "backlog", "deadlines", "burst"});
    makers.push_back(common_promises);
    return Look{transport, measures, [transport, makers](const Results& found) {
                  std::vector<Promise> all;
                  for (const auto& make : makers) {
                    for (auto& promise : make(found, transport)) all.push_back(std::move(promise));
                  }
                  return all;
                }};
  };
  Look zmq_tcp = with_common("zmq-tcp", {"latency", "bandwidth", "rate"}, {zmq_promises});
  zmq_tcp.worlds = zmq_tcp_worlds;
  // Over TCP the network's part hides Boost.MPI's.
  return {with_common("inproc", {}, {}),
          {"inproc", {"latency"}, spinning_promises, {"RANKWIRE_WAIT_SPIN=1s"}},
          {"inproc",
           {"latency"},
           sleeping_promises,
           {"RANKWIRE_WAIT_SPIN=0s", "RANKWIRE_WAIT_YIELD=0s"}},
          with_common("mpi-shm", {"latency", "record"}, {mpi_promises, boost_promises}),
          with_common("mpi-tcp", {"latency"}, {mpi_promises}),
          zmq_tcp,
          with_common("zmq-ipc", {"latency", "bandwidth", "rate"}, {zmq_promises})};
}

/// Nothing when one of its worlds fails.
std::optional<Results> measure(Worlds& worlds, const Look& look) {
  std::vector<Results> all;
  while (static_cast<int>(all.size()) < look.worlds) {
    auto found = worlds.measure(look.transport, 2, look.measures, look.environment);
    if (!found) return std::nullopt;
    all.push_back(std::move(*found));
  }
  return median_of_worlds(all);
}

/// At once, so that a reader sees each world's when they are there.
void print(const std::string& name, const std::string& limit, const std::string& measured,
           const std::string& verdict) {
  std::fputs(fmt::format("{:<52}{:<12}{:<28}{}\n", name, limit, measured, verdict).c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace

int check_promises(const Options& options, const std::vector<std::string>& passed_on) {
  Worlds worlds{options, passed_on};
  int all = 0, kept = 0;
  print("what", "promise", "measured (all pairs)", "");
  for (const Look& look : all_looks()) {
    if (!options.wants_transport(look.transport)) continue;
    const std::string missing = Worlds::missing(look.transport);
    if (!missing.empty()) {
      print(look.transport, "", "left out", missing);
      continue;
    }
    const auto found = measure(worlds, look);
    if (!found) {
      print(look.transport, "", "failed", "SHORT");
      continue;
    }
    for (const Promise& promise : look.promises(*found)) {
      print(promise.name, promise.limit, promise.measured, promise.kept ? "ok" : "SHORT");
      ++all;
      kept += promise.kept ? 1 : 0;
    }
  }
  std::fputs(fmt::format("{} of {} promises are kept\n", kept, all).c_str(), stdout);
  return kept == all && worlds.ended_well() ? 0 : 1;
}

}  // namespace comparison
