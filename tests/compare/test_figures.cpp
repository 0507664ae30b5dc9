#include <doctest/doctest.h>

#include <sstream>
#include <vector>

#include "results/statistics.hpp"
#include "results/table.hpp"
#include "worlds/promises.hpp"

// What compare makes of samples: summaries, promises, the table.

using namespace comparison;

namespace {

Figure figure(const std::string& measure, std::uint64_t bytes, double ratio) {
  Figure made;
  made.measure = measure;
  made.transport = "zmq-tcp";
  made.unit = "s";
  made.bytes = bytes;
  made.rankwire = summary_of({ratio});
  made.beside.push_back({"raw", "libzmq", summary_of({1}), ratio_of({ratio}, {1})});
  return made;
}

const Promise* find(const std::vector<Promise>& promises, const std::string& name) {
  for (const Promise& promise : promises) {
    if (promise.name.find(name) != std::string::npos) return &promise;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("compare: summaries and ratios") {
  const Summary one = summary_of({3});
  CHECK(one.p50 == 3);
  CHECK(one.p99 == 3);
  std::vector<double> many;
  for (int i = 100; i >= 1; --i) many.push_back(i);
  const Summary summary = summary_of(many);
  CHECK(summary.p50 == 50.5);
  CHECK(summary.p99 == 99);
  CHECK(summary.min == 1);
  CHECK(summary.max == 100);
  CHECK(summary.samples == 100);
  const Ratio ratio = ratio_of({2, 9, 4}, {1, 3, 4});
  CHECK(ratio.median == 2);
  CHECK(ratio.min == 1);
  CHECK(ratio.max == 3);
  CHECK(ratio.pairs == 3);
}

TEST_CASE("compare: of several worlds the middle one counts, figure by figure") {
  std::vector<Results> worlds(3);
  worlds[0].figures = {figure("latency", 8, 1.0), figure("latency", 64, 3.0)};
  worlds[1].figures = {figure("latency", 8, 5.0), figure("latency", 64, 1.0)};
  worlds[2].figures = {figure("latency", 8, 2.0), figure("latency", 64, 2.0)};
  worlds[1].figures[0].rankwire = summary_of({7, 8, 9});
  worlds[1].figures[0].beside[0].ratio = ratio_of({4, 5, 6}, {1, 1, 1});
  const Results all = median_of_worlds(worlds);
  REQUIRE(all.figures.size() == 2);
  const Ratio small = all.figures[0].beside[0].ratio, large = all.figures[1].beside[0].ratio;
  CHECK(small.median == 2);
  CHECK(small.min == 1);
  CHECK(small.max == 6);
  CHECK(small.pairs == 5);
  CHECK(large.median == 2);
  CHECK(all.figures[0].rankwire.max == 9);
  CHECK(all.figures[0].rankwire.samples ==
        worlds[0].figures[0].rankwire.samples + worlds[2].figures[0].rankwire.samples + 3);
}

TEST_CASE("compare: a promise is kept up to its limit, and not beyond") {
  Results found;
  found.figures = {figure("latency", 8, 1.1), figure("latency", 1024, 1.1001)};
  const auto promises = zmq_promises(found, "zmq-tcp");
  REQUIRE(find(promises, "latency 8 B") != nullptr);
  CHECK(find(promises, "latency 8 B")->kept);
  CHECK(find(promises, "latency 8 B")->limit == "<= 1.10");
  CHECK_FALSE(find(promises, "latency 1 KiB")->kept);
}

TEST_CASE("compare: a burst is promised to come soon, however its sender spends its time") {
  const auto late_by = [](double seconds) {
    Results found;
    Figure burst = figure("burst", 64, 1);
    burst.rankwire = summary_of({0.05 + seconds});
    burst.beside.push_back({"waits", "", summary_of({0.05}), Ratio{}});
    found.figures = {burst};
    const auto promises = common_promises(found, "zmq-tcp");
    const Promise* const promise = find(promises, "burst of 64 B");
    REQUIRE(promise != nullptr);
    return *promise;
  };
  CHECK(late_by(-0.01).kept);
  CHECK(late_by(0.09).kept);
  CHECK_FALSE(late_by(0.11).kept);
  CHECK(late_by(0.09).limit == "<= 100 ms");
}

TEST_CASE("compare: a promise whose figure is missing is not kept") {
  for (const auto& promises :
       {zmq_promises({}, "zmq-tcp"), mpi_promises({}, "mpi-shm"), boost_promises({}, "mpi-shm"),
        spinning_promises({}), sleeping_promises({}), common_promises({}, "inproc")}) {
    CHECK_FALSE(promises.empty());
    for (const Promise& promise : promises) {
      CAPTURE(promise.name);
      if (promise.measured == "built without Boost.MPI") continue;
      CHECK_FALSE(promise.kept);
      CHECK(promise.measured == "not measured");
    }
  }
}

TEST_CASE("compare: the table fits 100 columns whatever the figures are") {
  Results results;
  results.machine.cpu = std::string(150, 'c');
  results.command = std::string(300, 'x');
  results.left_out = {{"mpi-shm: latency", std::string(120, 'y') + " " + std::string(90, 'z')}};
  for (const double value : {1e-12, 0.0123, 1.0, 99999.0, 1e15}) {
    Figure made = figure("fan-in", 1234567891, value);
    made.ranks = 1000;
    made.beside.push_back({"socket", std::string(200, 'n'), summary_of({1e-9}),
                           ratio_of({value, 1e-9}, {1e-9, value})});
    results.figures.push_back(made);
  }
  std::istringstream lines{table_of(results)};
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 100);
  }
}
