#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "system.hpp"

using namespace test_system;

namespace {

/// Exit code 2, nothing on stdout, one line on stderr that has all the words.
void refused(const Arguments& arguments, const Arguments& words,
             const std::map<std::string, std::string>& environment = {}) {
  const auto result = support::run({Arguments{PRODUCT} + arguments, environment});
  CHECK_CODE(result, 2);
  CHECK(result.out.empty());
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  for (const auto& word : words) CHECK_HAS(result.err, word);
}

struct File {
  std::string path = (std::filesystem::temp_directory_path() / "rankwire-XXXXXX").string();
  explicit File(const std::string& text) {
    REQUIRE(mkstemp(path.data()) >= 0);
    std::ofstream{path} << text;
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

}  // namespace

TEST_CASE("wrong options are refused") {
  refused({"--rnaks", "3"}, {"--rnaks", "--ranks"});
  refused({"--fromat=json"}, {"--fromat", "--format"});
  refused({"--form", "json"}, {"--form on", "mean --format?"});
  refused({"-n", "0"}, {"--ranks", "'0'", "1 to 100000"});
  refused({"-n", "text"}, {"--ranks", "'text'"});
  refused({"-n", "-3"}, {"--ranks", "'-3'"});
  refused({"stray"}, {"stray"});
  refused({"--timeout", "10"}, {"--timeout", "'10'", "10s"});
  refused({"--timeout", "0s"}, {"--timeout", "'0s'"});
  refused({"--format", "xml"}, {"--format", "xml", "json"});
  refused({"--grace", "65h"}, {"--grace", "'65h'", "1h"});
  refused({"--join-timeout", "99999999999h"}, {"out of bounds", "24h"});
  refused({"--message-max", "99999999999GiB"}, {"out of bounds", "1TiB"});
  refused({"--timeout", "99999999999h"}, {"--timeout", "too large"});
  refused({"--wait-spin", "never"}, {"--wait-spin", "'never'", "auto"});
  refused({"--wait-sleep", "2ms"}, {"--wait-sleep", "'2ms'", "1ms"});
}

TEST_CASE("what CLI11 finds wrong is said in sentences") {
  refused({"-n", "2", "-n", "3"}, {"line: --ranks: it is given 2 times; leave all but one out"});
  refused({"-n"}, {"--ranks: its value is missing; say --ranks N"});
  refused({"--format"}, {"--format: its value is missing; say --format NAME"});
  refused({"--insecure=maybe"}, {"--insecure: 'maybe' is not accepted: true, false, 1"});
}

TEST_CASE("options of reach and keys are refused where they cannot be meant") {
  const Arguments worker{"--join", "tcp://127.0.0.1:1"};
  refused({"--port-range", "6099:6000"}, {"--port-range", "'6099:6000'", "6000:6099"});
  refused({"--address-file", "f"}, {"--address-file", "--listen"});
  refused({"--key", "k"}, {"--key", "--listen or --join"});
#if RANKWIRE_WITH_ZMQ
  refused(worker + Arguments{"--key", "k"}, {"--key", "--server-key FILE"});
  refused(worker + Arguments{"--allow", "d"}, {"--allow", "for the master"});
  refused(worker, {"--server-key (variable RANKWIRE_SERVER_KEY)", "--key FILE"},
          {{"RANKWIRE_SERVER_KEY", "m.key"}});
#endif
}

TEST_CASE("--fail is checked") {
  refused({"--fail", "2"}, {"--fail", "'2'", "crash, hang or leave"});
  refused({"--fail", "2:explode"}, {"--fail", "'2:explode'"});
  refused({"--fail", "0:crash"}, {"--fail", "'0:crash'"});
  refused({"--fail", "9:crash"}, {"--fail 9", "workers 1 to 3"});
  refused({"--fail", "1:crash", "-n", "1"}, {"--fail 1", "no workers"});
}

TEST_CASE("variables are options too, and are checked as they are") {
  const auto result = support::run({{PRODUCT}, {{"RANKWIRE_RANKS", "2"}}});
  CHECK(result.out == golden(2));
  refused({}, {"RANKWIRE_RNAKS", "RANKWIRE_RANKS"}, {{"RANKWIRE_RNAKS", "2"}});
  const auto others = support::run(
      {{PRODUCT, "-n", "2"},
       {{"RANKWIRE_ROOT", "/"}, {"RANKWIRE_PORT", "tcp://10.0.0.1:80"}, {"RANKWIRE_JOIN", ""}}});
  CHECK_CODE(others, 0);
  CHECK(others.out == golden(2));
  CHECK_HAS(others.err, "RANKWIRE_ROOT in the environment: no option of this program");
  CHECK_HAS(others.err, "RANKWIRE_PORT");
  CHECK_FALSE(has(others.err, "RANKWIRE_JOIN"));
  refused({}, {"RANKWIRE_RANKS", "'many'"}, {{"RANKWIRE_RANKS", "many"}});
  refused({}, {"RANKWIRE_FORMAT", "xml"}, {{"RANKWIRE_FORMAT", "xml"}});
}

TEST_CASE("the configuration file") {
  const File good{"ranks = 2\nformat = 'json'\n"};
  CHECK(support::run({{PRODUCT, "--config", good.path}}).out == json_line(1));
  CHECK(support::run({{PRODUCT, "--config", good.path, "--format", "text"}}).out == golden(2));
  const File unknown{"\nrnaks = 2\n"};
  refused({"--config", unknown.path}, {"'rnaks'", unknown.path, "line 2", "ranks"});
  const File malformed{"ranks = 2\nformat = json\n"};
  refused({"--config", malformed.path}, {malformed.path, "line 2", "column"});
  refused({"--config", "/no/such/file"}, {"/no/such/file", "No such file"});
  refused({"--config", "/"}, {"'/'", "directory"});
}

TEST_CASE("--help and --version answer on stdout") {
  const auto help = support::run({{PRODUCT, "--help"}});
  CHECK_CODE(help, 0);
  CHECK(help.err.empty());
  for (const char* const part : {"--fail", "--ranks", "RANKWIRE_", "Exit codes"}) {
    CHECK_HAS(help.out, part);
  }
  CHECK_HAS(support::run({{PRODUCT, "--version"}}).out, "product (rankwire ");
}

TEST_CASE("a launcher's variables without its MPI are an error") {
  refused({}, {"PMI_SIZE"}, {{"PMI_SIZE", "4"}});
}

TEST_CASE("a world of each process's own under a launcher is warned of, once") {
  const auto started = [](const std::string& size) {
    return support::run({{PRODUCT, "--transport", "inproc", "-n", "2"}, {{"PMI_SIZE", size}}});
  };
  const auto four = started("4");
  CHECK_CODE(four, 0);
  CHECK(four.out == golden(2));
  const std::string warning = "each of the 4 processes that the launcher started (PMI_SIZE)";
  CHECK_HAS(four.err, warning);
  CHECK(four.err.find(warning) == four.err.rfind(warning));
  CHECK_HAS(four.err, "leave --transport out for one world of 4");
  CHECK_FALSE(has(started("1").err, "world of its own"));
}
