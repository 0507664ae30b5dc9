#include <signal.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "../support/check_result.hpp"
#include "../support/folder.hpp"

// compare, as its user calls it. Not of the figures, which a busy machine spoils: of what is
// measured, of the data on their way (a damaged byte is exit code 1), and of what goes wrong.

using namespace support;

namespace {

Result run(const Arguments& arguments, const std::map<std::string, std::string>& environment = {}) {
  return support::run({Arguments{COMPARE} + arguments, environment}, std::chrono::minutes{5});
}

std::vector<std::string> built_transports() {
  std::vector<std::string> names{"inproc"};
  if (RANKWIRE_WITH_MPI != 0) names.insert(names.end(), {"mpi-shm", "mpi-tcp"});
  if (RANKWIRE_WITH_ZMQ != 0) names.insert(names.end(), {"zmq-tcp", "zmq-ipc"});
  return names;
}

/// The part of a table under the heading that begins with `title`.
std::string section(const std::string& table, const std::string& title) {
  const std::size_t begin = table.find("\n" + title + ":");
  REQUIRE_MESSAGE(begin != std::string::npos, "'", title, "' is not in: ", table);
  return table.substr(begin, table.find("\n\n", begin + 1) - begin);
}

void check_width(const std::string& table) {
  std::istringstream lines{table};
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 100);
  }
}

std::size_t processes_that_name(const std::string& text) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    if (has(content_of(entry.path() / "cmdline"), text)) ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("compare: what else only --check measures may be named") {
  const auto result = run({"copies", "burst", "--quick", "--over", "inproc"});
  CHECK_CODE(result, 0);
  check_width(result.out);
  CHECK(std::regex_search(section(result.out, "Copies"), std::regex{"\ninproc .* 16 MiB"}));
  CHECK(std::regex_search(section(result.out, "Burst"),
                          std::regex{"\ninproc .* 1000000 B .* waits [0-9.]+"}));
}

TEST_CASE("compare: every measure of every transport that was built, as table and as JSON") {
  const Folder folder;
  const auto result = run({"--quick", "--json", folder / "run.json"});
  CHECK_CODE(result, 0);
  check_width(result.out);
  for (const std::string& transport : built_transports()) {
    CAPTURE(transport);
    for (const std::string title :
         {"Latency", "Rate", "Record", "Fan-in", "Start", "Idle", "Wake", "Bandwidth"}) {
      CAPTURE(title);
      if (title == "Bandwidth" && transport == "inproc") continue;  // says why it has none
      const std::string part = section(result.out, title);
      CHECK(
          std::regex_search(part, std::regex{"\n" + transport + " .* [0-9.]+ (n|u|m)?[sMGkTB%]"}));
    }
  }
  CHECK_HAS(result.out, "left out: inproc: bandwidth: ");
  if (RANKWIRE_WITH_MPI == 0) CHECK_HAS(result.out, "left out: mpi-shm: built without MPI");
  if (RANKWIRE_WITH_ZMQ == 0) CHECK_HAS(result.out, "left out: zmq-tcp: built without ZeroMQ");

  const auto again = run({"--from", folder / "run.json"});
  CHECK_CODE(again, 0);
  CHECK(again.out == result.out);
}

TEST_CASE("compare: measures and transports may be chosen") {
  const auto result = run({"--quick", "--over", "inproc", "latency", "idle"});
  CHECK_CODE(result, 0);
  CHECK_HAS(result.out, "\nLatency:");
  CHECK_HAS(result.out, "\nIdle:");
  for (const auto* const other : {"\nRate:", "\nStart:", "mpi-", "zmq-"}) {
    CHECK_FALSE(has(result.out, other));
  }
}

TEST_CASE("compare: inside of a world it measures that one") {
  const auto result = run({"--quick", "-n", "3", "fan-in", "idle"});
  CHECK_CODE(result, 0);
  CHECK_HAS(section(result.out, "Fan-in"), "\ninproc   2 workers, 64 B ");
  CHECK_HAS(section(result.out, "Idle"), "\ninproc   3 ranks ");
#if RANKWIRE_WITH_ZMQ
  const auto over =
      support::run({{LAUNCHER, "launch", "-n", "2", "--", COMPARE, "--quick", "wake"}});
  CHECK_CODE(over, 0);
  CHECK_HAS(section(over.out, "Wake"), "\nzmq-tcp  8 B ");
#endif
}

#if RANKWIRE_WITH_MPI
TEST_CASE("compare: without mpiexec, MPI is left out, and the rest measured") {
  const Folder empty;
  const auto result =
      run({"--quick", "--over", "inproc,mpi-shm", "wake"}, {{"PATH", empty.path()}});
  CHECK_CODE(result, 0);
  CHECK_HAS(result.out, "left out: mpi-shm: there is no mpiexec in PATH");
  CHECK_HAS(section(result.out, "Wake"), "\ninproc ");
}

TEST_CASE("compare: a world that fails is left out, the rest measured, and the exit code says so") {
  const Folder folder;
  const auto mpiexec = folder.write("mpiexec", "#!/bin/sh\necho 'rankwire: no luck' >&2\nexit 7\n");
  std::filesystem::permissions(mpiexec, std::filesystem::perms::owner_all);
  const auto result =
      run({"--quick", "--over", "mpi-shm,inproc", "wake"}, {{"PATH", folder.path() + ":/bin"}});
  CHECK_CODE(result, 1);
  CHECK_HAS(result.out, "left out: mpi-shm: wake: exit code 7: rankwire: no luck");
  CHECK_HAS(section(result.out, "Wake"), "\ninproc ");
}
#endif

TEST_CASE("compare: when it is interrupted nothing stays behind") {
  for (const auto& transport : built_transports()) {
    CAPTURE(transport);
    const Folder folder;
    support::Process process{
        {{COMPARE, "--over", transport, "latency", "wake"}, {{"TMPDIR", folder.path()}}}};
    process.wait_for_text(transport + " latency 8 B");  // a world is at work
    CHECK(processes_that_name(folder.path()) > 0);
    process.send_signal(SIGTERM);
    CHECK_CODE(process.wait(), 143);
    CHECK(processes_that_name(folder.path()) == 0);
    for (const auto& left : std::filesystem::directory_iterator{folder.path()}) {
      CAPTURE(left.path().string());
      CHECK_FALSE(left.path().filename().string().starts_with("rankwire"));
    }
  }
}

TEST_CASE("compare: results that cannot be written are a failure") {
  const auto table = support::run(
      {.arguments = {COMPARE, "--quick", "--over", "inproc", "idle"}, .stdout_to = "/dev/full"});
  CHECK_CODE(table, 1);
  CHECK_HAS(table.err, "stdout did not take all results");
  const auto json = run({"--quick", "--over", "inproc", "idle", "--json", "/dev/full"});
  CHECK_CODE(json, 1);
  CHECK_HAS(json.err, "'/dev/full': No space left on device");
  const Folder folder;
  CHECK_CODE(run({"--quick", "--over", "inproc", "idle", "--json", folder / "a.json"}), 0);
  const auto report = run({"--from", folder / "a.json", "--report", "/dev/full"});
  CHECK_CODE(report, 1);
  CHECK_HAS(report.err, "'/dev/full': No space left on device");
}

TEST_CASE(
    "compare: an earlier run's bandwidth of inproc is not shown, as it is no longer measured") {
  const auto result = run({"--from", SAMPLES "/sample.json"});
  CHECK_CODE(result, 0);
  CHECK_HAS(result.out, "left out: inproc: bandwidth: ");
  CHECK_HAS(result.out, "ratio: the median of the ratios pair by pair, not the quotient");
  const auto bandwidth = result.out.find("\nBandwidth");
  const std::string part =
      result.out.substr(bandwidth, result.out.find("\n\n", bandwidth) - bandwidth);
  CHECK_HAS(part, "\nmpi-shm ");
  CHECK_FALSE(has(part, "inproc"));
}

TEST_CASE("compare: what contradicts itself is refused before anything is measured") {
  const auto refused = [](const Arguments& arguments, const std::string& why) {
    const auto result = run(arguments);
    CHECK_CODE(result, 2);
    CHECK_HAS(result.err, why);
    CHECK(result.out.empty());
  };
  refused({"latence"}, "line: measure: 'latence' is not accepted: latency, ");
  refused({"latence"}, "did you mean latency?");
  refused({"--over", "mpi"}, "line: --over: 'mpi' is not accepted: inproc, ");
  refused({"--only", "zmqq"}, "line: 'zmqq' is not accepted: latency, ");
  refused({"--quick", "--thorough"}, "exclude each other");
  refused({"--check", "latency"}, "--check measures what its bars need");
  refused({"--check", "--from", "a.json"}, "--check measures what its bars need");
  refused({"--check", "-n", "2"}, "--check starts the worlds that it looks at");
  for (const char* const file : {"--json", "--report", "--from", "--hand-to"}) {
    refused({file, ""}, ": an empty text is not accepted");
  }
  refused({"--from", "/nonexistent"}, "cannot read the file '/nonexistent': No such file");
  refused({"--from", "/none\n\x1b"}, R"('/none\x0a\x1b': No such file)");
  refused({"--json", "/none/\n"}, R"('/none/\x0a' cannot be written)");
  refused({"laten\x1b"}, R"('laten\x1b' is not accepted)");
  refused({"--from", "/"}, "cannot read the file '/': Is a directory");
  refused({"--from", "/dev/null"}, "'/dev/null' is no results of compare");
  refused({"--from", "/dev/zero"}, "cannot read the file '/dev/zero': it is larger than 16MiB");
  for (const auto* const word : {"this ends the world", "nothing", "rank 0"}) {
    CHECK_FALSE(has(run({"--from", "/nonexistent"}).err, word));
    CHECK_FALSE(has(run({"--only", "zmqq"}).err, word));
  }
  refused({"--from", "a.json", "--quick"}, "--from measures nothing");
  refused({"--json", "/nonexistent/a.json"}, "'/nonexistent/a.json' cannot be written: No such");
  refused({"-n", "1"}, "compare needs 2 ranks, this world has 1");
  refused({"-n", "2", "start"}, "start times worlds that compare starts itself");
  refused({"-n", "2", "--over", "inproc"}, "--over chooses among the worlds");
  refused({"crowd", "latency"}, "crowd prints a table of its own");
}
