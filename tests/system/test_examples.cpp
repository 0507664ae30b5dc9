#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "by_hand.hpp"
#if RANKWIRE_WITH_MPI
#include "mpiexec.hpp"
#endif

// The programs in examples/, in each way in which they can be run: what they print, and their code.

using namespace test_system;

namespace {

std::string path_of(const std::string& example) {
  return std::string{EXAMPLES} + "/" + example;
}

const std::string squares = "the sum of the first 40 squares is 22140\n";

struct Run {
  std::string way;
  Result result;
};

/// `example` with so many ranks, in every way that was built.
std::vector<Run> runs(const std::string& example, int ranks) {
  const std::string number = std::to_string(ranks);
  std::vector<Run> all{{"inproc", support::run({{path_of(example), "-n", number}})}};
#if RANKWIRE_WITH_MPI
  all.push_back({"mpi", support::run(mpiexec(ranks, {path_of(example)}))});
#endif
#if RANKWIRE_WITH_ZMQ
  const Arguments launch{LAUNCHER, "launch", "-n", number, "--"};
  all.push_back({"zmq", support::run({launch + Arguments{path_of(example)}})});
#endif
  return all;
}

/// Runs it in every way, with each of these numbers of ranks: it must end well, and print this.
void check_output(const std::string& example, std::initializer_list<int> ranks,
                  const std::string& expected) {
  for (const int count : ranks) {
    for (const auto& run : runs(example, count)) {
      CAPTURE(run.way);
      CAPTURE(count);
      CHECK_CODE(run.result, 0);
      CHECK(run.result.out == expected);
    }
  }
}

std::string content_of(const std::string& path) {
  std::ifstream file{path};
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

TEST_CASE("examples: every program is tried here, and says how it is run") {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{EXAMPLES_SOURCE}) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string name = entry.path().stem();
    names.insert(name);
    CHECK_HAS(content_of(entry.path()), "`" + name + " -n ");
  }
  CHECK(names == std::set<std::string>{"deadlines", "farm", "halo", "hello", "survive", "types"});
}

TEST_CASE("examples: hello") {
  for (const int ranks : {1, 3}) {
    for (const auto& run : runs("hello", ranks)) {
      CAPTURE(run.way);
      CHECK_CODE(run.result, 0);
      std::string lines = "over " + run.way + ":\n";
      for (int rank = 0; rank < ranks; ++rank) {
        lines += "rank " + std::to_string(rank) + " of " + std::to_string(ranks) +
                 ", process [0-9]+ on [^ ]+\n";
      }
      CHECK_MESSAGE(std::regex_match(run.result.out, std::regex{lines}), run.result.out);
    }
  }
}

TEST_CASE("examples: farm, where every task is done once") {
  for (const auto& run : runs("farm", 4)) {
    CAPTURE(run.way);
    CHECK_CODE(run.result, 0);
    CHECK(run.result.out == "there are 78498 primes below 1000000\n");
    const std::regex line{"rank [123] did ([0-9]+) tasks"};
    int tasks = 0;
    for (std::sregex_iterator found{run.result.err.begin(), run.result.err.end(), line}, end;
         found != end; ++found) {
      tasks += std::stoi((*found)[1]);
    }
    CHECK_MESSAGE(tasks == 200, run.result.err);
  }
}

TEST_CASE("examples: farm without workers is refused") {
  for (const auto& run : runs("farm", 1)) {
    CAPTURE(run.way);
    CHECK_CODE(run.result, 2);
    CHECK(run.result.out.empty());
    CHECK_HAS(run.result.err, "-n 2 or more");
  }
}

TEST_CASE("examples: halo, the same for every number of ranks") {
  check_output("halo", {1, 2, 7}, content_of(std::string{EXPECTED} + "/halo.txt"));
  const auto refused = support::run({{path_of("halo"), "-n", "61"}});
  CHECK_CODE(refused, 2);
  CHECK_HAS(refused.err, "-n 60 at most");
}

TEST_CASE("examples: types") {
  const std::string three = content_of(std::string{EXPECTED} + "/types.txt");
  check_output("types", {3}, three);
  check_output("types", {1}, three.substr(0, three.find("drawing of rank 1")));
}

TEST_CASE("examples: deadlines") {
  const std::string own = "rank 0 has done its own work\n";
  check_output("deadlines", {1}, own);
  check_output("deadlines", {4}, own + "rank 1 answers 100\nrank 2 is late\nrank 3 answers 300\n");
}

TEST_CASE("examples: survive") {
  for (const auto& run : runs("survive", 4)) {
    CAPTURE(run.way);
    CHECK_CODE(run.result, 0);
    CHECK(run.result.out == squares);
    CHECK_HAS(run.result.err, "without rank 1: ");
    CHECK_FALSE(has(run.result.err, "without rank 2: "));
  }
}

TEST_CASE("examples: survive, when no worker remains or there was none") {
  for (const std::string ranks : {"1", "2"}) {
    CAPTURE(ranks);
    const auto result = support::run({{path_of("survive"), "-n", ranks}});
    CHECK_CODE(result, 0);
    CHECK(result.out == squares);
  }
}

#if RANKWIRE_WITH_ZMQ
TEST_CASE("examples: survive, with workers that are killed") {
  for (const bool all : {false, true}) {
    CAPTURE(all);
    ByHand world{4};
    world.start_all({path_of("survive")});
    world.rank(0).wait_for_text("without rank 1: ");
    world.rank(2).send_signal(SIGKILL);
    if (all) world.rank(3).send_signal(SIGKILL);
    const auto result = world.rank(0).wait();
    CHECK_CODE(result, 0);
    CHECK(result.out == squares);
    CHECK_HAS(result.err, "without rank 2: ");
    CHECK(has(result.err, "without rank 3: ") == all);
    CHECK_CODE(world.rank(1).wait(), 0);
    CHECK_CODE(world.rank(3).wait(), all ? 128 + SIGKILL : 0);
  }
}
#endif
