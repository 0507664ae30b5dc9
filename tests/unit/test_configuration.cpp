#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../../core/src/start/configuration.hpp"
#include "../support/folder.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/rankwire.hpp"
#include "rankwire/text_file.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

/// What a program of the tests adds of its own.
struct Own {
  int count = 7;
  std::string format = "text";
  bool fast = false;
};

/// All that there are, of which those named were built, whatever was.
std::vector<Backend> built(const std::vector<std::string_view>& names) {
  std::vector<Backend> all{backends().begin(), backends().end()};
  for (Backend& backend : all) {
    const bool is_built = std::find(names.begin(), names.end(), backend.name) != names.end();
    backend.open = is_built ? all.front().open : nullptr;
  }
  return all;
}

struct Reading {
  std::vector<std::string> arguments;
  std::vector<std::string> environment{};
  std::vector<Backend> backends = built({"inproc", "mpi", "zmq"});
  std::optional<LauncherWorld> launcher{};
  bool required = false;

  Own own{};

  std::variant<Configuration, Answer> read() {
    Start start{{"/some/where/program"}, environment, backends, launcher};
    start.arguments.insert(start.arguments.end(), arguments.begin(), arguments.end());
    Program program;
    program.options = [this](CLI::App& app) {
      app.add_option("--count", own.count)->check(CLI::Range(1, 9))->required(required);
      app.add_option("--own_format", own.format)->check(CLI::IsMember({"text", "json"}));
      app.add_flag("--fast", own.fast);
    };
    return read_configuration(start, program);
  }
  Settings settings() { return std::get<Configuration>(read()).settings; }
};

/// Everything in `parts` must be in the text of the UsageError, which is one line.
void refused(Reading reading, const std::vector<std::string>& parts) {
  try {
    (void)reading.read();
    FAIL_CHECK("accepted");
  } catch (const UsageError& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(printable(text, SIZE_MAX) == text);
    for (const auto& part : parts) {
      CAPTURE(part);
      CHECK(text.find(part) != std::string::npos);
    }
  }
}

class File {
 public:
  explicit File(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "rankwire-XXXXXX").string();
    const int descriptor = mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path = name;
    std::ofstream{path} << text;
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string path;
};

}  // namespace

TEST_CASE("configuration: defaults") {
  Reading reading{{}};
  const Settings settings = reading.settings();
  CHECK(settings.transport == "inproc");
  CHECK_FALSE(settings.ranks);
  CHECK(settings.grace == Settings{}.grace);
  CHECK(reading.own.count == 7);
}

TEST_CASE("configuration: every option reaches its field") {
  Reading reading{{"--listen",   "tcp://127.0.0.1:0",
                   "-n",         "3",
                   "--job",      "j",
                   "--insecure", "--join-timeout",
                   "2s",         "--grace",
                   "3s",         "--linger",
                   "4s",         "--window",
                   "8KiB",       "--message-max",
                   "1MiB",       "--wait-spin",
                   "1us",        "--wait-yield",
                   "2us",        "--wait-sleep",
                   "100us",      "--log-level",
                   "debug"}};
  const Settings settings = reading.settings();
  CHECK(settings.transport == "zmq");
  CHECK(settings.options.at("listen") == "tcp://127.0.0.1:0");
  CHECK(settings.ranks == 3);
  CHECK(settings.options.at("job") == "j");
  CHECK(settings.options.at("insecure") == "true");
  CHECK(settings.join_timeout == 2s);
  CHECK(settings.grace == 3s);
  CHECK(settings.linger == 4s);
  CHECK(settings.window_bytes == 8192);
  CHECK(settings.message_bytes_max == 1 << 20);
  CHECK(settings.wait.spin == 1us);
  CHECK(settings.wait.yield == 2us);
  CHECK(settings.wait.sleep_max == 100us);
  CHECK(settings.log_level == "debug");
  Reading worker{{"--join", "tcp://a:1", "--rank", "2"}};
  CHECK(worker.settings().options.at("join") == "tcp://a:1");
  CHECK(worker.settings().options.at("rank") == "2");
}

TEST_CASE("configuration: how a wait waits is open until it is said; auto opens it again") {
  const Settings silent = Reading{{}}.settings();
  CHECK_FALSE(silent.wait.spin);
  CHECK_FALSE(silent.wait.yield);
  CHECK(silent.wait.sleep_max == 1ms);
  Reading over{{"--wait-spin", "auto"}, {"RANKWIRE_WAIT_SPIN=3us", "RANKWIRE_WAIT_YIELD=0us"}};
  CHECK_FALSE(over.settings().wait.spin);
  CHECK(over.settings().wait.yield == 0us);
}

TEST_CASE("configuration: reach and keys, from each source") {
  Reading master{{"--listen", "tcp://*:0", "-n", "3", "--address-file", "where", "--advertise",
                  "[fe80::1%eth0]", "--key", "m.key_secret", "--allow", "allowed"}};
  const Settings zero = master.settings();
  CHECK(zero.options.at("listen") == "tcp://*:0");
  CHECK(zero.options.at("address-file") == "where");
  CHECK(zero.options.at("advertise") == "[fe80::1%eth0]");
  CHECK(zero.options.at("key") == "m.key_secret");
  CHECK(zero.options.at("allow") == "allowed");
  Reading worker{
      {},
      {"RANKWIRE_JOIN=@where", "RANKWIRE_ADVERTISE=node-1.example", "RANKWIRE_PORT_RANGE=6000:6099",
       "RANKWIRE_KEY=w.key_secret", "RANKWIRE_SERVER_KEY=m.key"}};
  const Settings one = worker.settings();
  CHECK(one.transport == "zmq");
  CHECK(one.options.at("join") == "@where");
  CHECK(one.options.at("advertise") == "node-1.example");
  CHECK(one.options.at("port-range") == "6000:6099");
  CHECK(one.options.at("key") == "w.key_secret");
  CHECK(one.options.at("server-key") == "m.key");
  const File file{"join = 'tcp://eth0:1'\nport-range = '1:1'\nkey = 'w'\nserver-key = 'm'\n"};
  Reading other{{"--config", file.path, "--advertise", "::1", "--port-range", "65535:65535"}};
  CHECK(other.settings().options.at("advertise") == "::1");
  CHECK(other.settings().options.at("port-range") == "65535:65535");
  CHECK(other.settings().options.at("server-key") == "m");
}

TEST_CASE("configuration: command line before environment before file before default") {
  const File file{"ranks = 2\nlinger = '2s'\nwindow = 65536\ncount = 2\n"};
  Reading reading{{"-n", "4", "--config", file.path},
                  {"RANKWIRE_RANKS=3", "RANKWIRE_LINGER=3s", "RANKWIRE_COUNT=3", "HOME=/"}};
  const Settings settings = reading.settings();
  CHECK(settings.ranks == 4);
  CHECK(settings.linger == 3s);
  CHECK(settings.window_bytes == 65536);
  CHECK(settings.grace == Settings{}.grace);
  CHECK(reading.own.count == 3);
}

TEST_CASE("configuration: the file may be named by the environment") {
  const File file{"join-timeout = \"5s\"\nown_format = \"json\"\nfast = true\n"};
  Reading reading{{}, {"RANKWIRE_CONFIG=" + file.path}};
  CHECK(reading.settings().join_timeout == 5s);
  CHECK(reading.own.format == "json");
  CHECK(reading.own.fast);
  Reading other{{},
                {"RANKWIRE_CONFIG=" + file.path, "RANKWIRE_FAST=0", "RANKWIRE_OWN_FORMAT=text"}};
  CHECK(other.settings().join_timeout == 5s);
  CHECK(other.own.format == "text");
  CHECK_FALSE(other.own.fast);
}

TEST_CASE("configuration: unknown names are refused with the nearest known one") {
  refused({{"--rnaks", "3"}}, {"--rnaks", "--ranks"});
  refused({{"--cuont=3"}}, {"--cuont", "--count"});
  refused({{"stray"}}, {"'stray'"});
  refused({{}, {"RANKWIRE_RNAKS=3"}}, {"RANKWIRE_RNAKS", "RANKWIRE_RANKS"});
  refused({{}, {"RANKWIRE_RNAKS=3"}}, {"env -u RANKWIRE_RNAKS"});
  const File file{"ranks = 2\nwindwo = 4\n"};
  refused({{"--config", file.path}}, {"'windwo'", file.path, "line 2", "window?"});
  const File nested{"config = 'other.toml'\n"};
  refused({{"--config", nested.path}}, {"'config'", "line 1", "leave it out"});
  // Spelled as on the command line, and in no other way.
  const File underscore{"join_timeout = '1s'\n"};
  refused({{"--config", underscore.path}}, {"'join_timeout'", "line 1", "mean join-timeout?"});
  refused({{"--join_timeout", "1s"}}, {"--join_timeout", "mean --join-timeout?"});
}

TEST_CASE("configuration: an empty variable says nothing") {
  Reading reading{{},
                  {"RANKWIRE_JOIN=", "RANKWIRE_RANKS=", "RANKWIRE_INSECURE=", "RANKWIRE_RNAKS=",
                   "RANKWIRE_CONFIG=", "RANKWIRE_COUNT"}};
  CHECK(reading.settings().transport == "inproc");
  CHECK(reading.own.count == 7);
  const File file{"ranks = 2\n"};
  Reading over{{"--config", file.path}, {"RANKWIRE_RANKS="}};
  CHECK(over.settings().ranks == 2);
}

TEST_CASE("configuration: variables that are like no option are somebody else's") {
  Reading reading{{}, {"RANKWIRE_ROOT=/opt/rankwire", "RANKWIRE_DIR=/", "RANKWIRE_LINGER=2s"}};
  const auto read = std::get<Configuration>(reading.read());
  CHECK(read.settings.linger == 2s);
  CHECK(read.ignored_variables == std::vector<std::string>{"RANKWIRE_ROOT", "RANKWIRE_DIR"});
}

TEST_CASE("configuration: under rankwire launch the size of the world is the launcher's") {
  const auto launched = [](const std::vector<std::string>& arguments) {
    return Reading{arguments,
                   {"RANKWIRE_LAUNCH_SIZE=2", "RANKWIRE_RANKS=2", "RANKWIRE_TRANSPORT=zmq",
                    "RANKWIRE_LISTEN=tcp://127.0.0.1:1"}};
  };
  CHECK(launched({}).settings().ranks == 2);
  CHECK(launched({"-n", "2"}).settings().ranks == 2);
  refused(launched({"-n", "3"}),
          {"--ranks (command line) says 3 ranks", "launch started 2", "rankwire launch -n 3"});
  // Worlds of their own.
  CHECK(launched({"-n", "3", "--transport", "inproc"}).settings().transport == "inproc");
  CHECK(launched({"-n", "3", "--listen", "tcp://a:1"}).settings().ranks == 3);
}

TEST_CASE("configuration: a wrong value is refused with its source") {
  refused({{"-n", "0"}}, {"command line", "--ranks", "'0'", "1 to 100000"});
  refused({{"-n", "text"}}, {"command line", "'text'"});
  refused({{}, {"RANKWIRE_RANKS=-1"}}, {"variable RANKWIRE_RANKS", "'-1'"});
  refused({{}, {"RANKWIRE_COUNT=12"}}, {"variable RANKWIRE_COUNT", "--count", "12"});
  refused({{}, {"RANKWIRE_FAST=maybe"}}, {"variable RANKWIRE_FAST", "'maybe'", "true"});
  const File file{"\nranks = 'many'\n"};
  refused({{"--config", file.path}}, {file.path, "line 2", "'many'"});
  const File twice{"join-timeout = '1s'\njoin-timeout = '2s'\n"};
  refused({{"--config", twice.path}}, {"line 2", "join-timeout"});
  const File table{"[ranks]\nx = 1\n"};
  refused({{"--config", table.path}}, {"line 1", "table"});
}

TEST_CASE("configuration: what is refused is said printably, and the reason behind it") {
  const File zero{R"(job = "a\u0000b")"};
  refused({{"--config", zero.path}}, {"'job'", R"('a\x00b': a text with a zero in it)"});
  // Of a program's own, which has no rules for it.
  const File own{R"(own_format = "te\u0000xt")"};
  refused({{"--config", own.path}}, {"'own_format'", R"('te\x00xt': a text with a zero in it)"});
  const File key{R"("jo\u0000\nb" = 1)"};
  refused({{"--config", key.path}}, {R"(unknown key 'jo\x00\x0ab' in )", "line 1"});
  const File table{R"("\u001b[2J".x = 1)"};
  refused({{"--config", table.path}}, {R"('\x1b[2J' is of type table)"});
  const File stray{"ranks = 2\njob = \x01\n"};
  refused({{"--config", stray.path}}, {"line 2", "not TOML"});
  const std::string odd = "\x1b[31m\n\xff";
  const std::string shown = R"(\x1b[31m\x0a\xff)";
  for (const char* const option :
       {"--transport", "-n", "--listen", "--join", "--rank", "--job", "--advertise", "--port-range",
        "--join-timeout", "--grace", "--linger", "--window", "--message-max", "--wait-spin",
        "--wait-yield", "--wait-sleep", "--log-level", "--count", "--own_format"}) {
    CAPTURE(option);
    refused({{option, odd}}, {"command line", shown});
  }
  refused({{"--join-timeout", "1s" + odd}}, {"'1s" + shown + "' is not a duration: a whole"});
  refused({{"--listen", "ipc:///tmp/" + odd}}, {"ipc:///tmp/" + shown, "cannot be printed"});
  refused({{"--join", "tcp://[fe80::1%" + odd + "]:1"}}, {shown, "is not an IPv6 address"});
  refused({{"--join", "tcp://a:1", "--advertise", "fe80::1%" + odd}}, {shown, "is not a host"});
  refused({{"--insecure=" + odd}}, {"--insecure", shown});
  refused({{"--" + odd}}, {"unknown option --" + shown});
  refused({{odd}}, {"the argument '" + shown + "'"});
  refused({{"--config", "/none/" + odd}}, {"'/none/" + shown + "': No such file"});
  refused({{}, {"RANKWIRE_RANKS=" + odd}}, {"variable RANKWIRE_RANKS", shown});
  refused({{}, {"RANKWIRE_FAST=" + odd}}, {"variable RANKWIRE_FAST", shown});
  refused({{}, {"RANKWIRE_RNAKS\n=2"}}, {R"(unknown variable RANKWIRE_RNAKS\x0a in)"});
  refused({{"-n", "3"}, {"RANKWIRE_LISTEN=tcp://a:1", "RANKWIRE_LAUNCH_SIZE=" + odd}}, {shown});
  // However long it is.
  refused({{"--job", std::string(100'000, 'x')}}, {"x...' is not accepted: 1 to 64 letters"});
  refused({{"-n", std::string(100'000, 'x')}}, {"x...' is not accepted: a whole number"});
}

TEST_CASE("configuration: bounds") {
  refused({{"--grace", "65h"}}, {"'65h'", "100ms to 1h"});
  refused({{"--wait-sleep", "2ms"}}, {"'2ms'", "50us to 1ms"});
  refused({{"--window", "1023"}}, {"'1023'", "1KiB"});
  refused({{"--linger", "10"}}, {"'10'", "10s"});
  refused({{"--linger", "1500us"}}, {"'1500us'", "whole milliseconds"});
  refused({{"--job", ""}}, {"--job"});
  refused({{"--log-level", "loud"}}, {"'loud'", "debug"});
  refused({{"--join", "tcp://a:0"}}, {"port 0"});
  refused({{"--join", "tcp://*:1"}}, {"master's host"});
  refused({{"--join", "@"}}, {"'@'", "--address-file"});
  for (const char* const range :
       {"0:1", "2:1", "1:65536", "1", "1:", ":1", "", "1:2:3", "-1:2", "1-2", "1: 2"}) {
    refused({{"--join", "tcp://a:1", "--port-range", range}},
            {"--port-range", "'" + std::string{range} + "'", "6000:6099"});
  }
  for (const char* const host : {"", "tcp://a", "a:1", "[a]", "[]", "1.2.3.4:5", "a b"}) {
    refused({{"--join", "tcp://a:1", "--advertise", host}},
            {"--advertise", "'" + std::string{host} + "'", "without a port"});
  }
  for (const char* const host : {"*", "0.0.0.0", "::", "[::]"}) {
    refused({{"--join", "tcp://a:1", "--advertise", host}}, {"every address", "reach"});
  }
  refused({{"--join", "tcp://a:1", "--key", ""}}, {"--key", "empty"});
}

TEST_CASE("configuration: a file that cannot be read is refused with its place") {
  refused({{"--config", "/no/such/file"}}, {"/no/such/file", "No such file"});
  refused({{"--config", "/"}}, {"'/'", "directory"});
  refused({{"--config", ""}}, {"command line: --config: an empty text is not accepted"});
  refused({{"--config="}}, {"--config"});
  refused({{"--insecure="}}, {"command line: --insecure: '' is not accepted"});
  refused({{"--fast="}}, {"command line: --fast: '' is not accepted"});
  CHECK(Reading{{}, {"RANKWIRE_CONFIG="}}.settings().transport == "inproc");
  const File file{"ranks = 2\njob = half\n"};
  refused({{"--config", file.path}}, {file.path, "line 2", "column"});
}

TEST_CASE("configuration: of a file that is too large no more is read than shows it") {
  for (const char* const endless : {"/dev/zero", "/dev/full", "/dev/urandom"}) {
    refused({{"--config", endless}}, {endless, "larger than 16KiB"});
  }
  refused({{}, {"RANKWIRE_CONFIG=/dev/zero"}}, {"/dev/zero", "larger than 16KiB"});
  const File file{""};
  std::filesystem::resize_file(file.path, std::uintmax_t{20} << 30);
  refused({{"--config", file.path}}, {file.path, "larger than 16KiB"});
  const std::string key = "ranks = 3";
  std::ofstream{file.path, std::ios::trunc} << std::string((16 << 10) - key.size(), '\n') << key;
  CHECK(Reading{{"--config", file.path}}.settings().ranks == 3);
  std::ofstream{file.path, std::ios::app} << '\n';
  refused({{"--config", file.path}}, {file.path, "larger than 16KiB"});
}

TEST_CASE("configuration: keys within keys, as many as a file has room for, are refused") {
  std::string nested = "a";
  while (nested.size() + 6 <= 16 << 10) nested += ".a";
  const File file{nested + " = 1"};
  refused({{"--config", file.path}}, {file.path, "line 1", "of type table"});
}

TEST_CASE("text file: a pipe is read to its end; one that gives nothing is refused") {
  const Folder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH_AS((void)read_text_file(pipe, 10, 50ms), doctest::Contains("nothing for 50ms"),
                       UsageError);
  std::thread writer{[&pipe] {
    std::ofstream file{pipe};
    file << "ranks" << std::flush;
    std::this_thread::sleep_for(20ms);
    file << " = 3";
  }};
  CHECK(read_text_file(pipe, 10) == "ranks = 3");
  writer.join();
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  REQUIRE(write(ends[1], "gone", 4) == 4);
  close(ends[1]);
  CHECK(read_text_file("/dev/fd/" + std::to_string(ends[0]), 10) == "gone");
  close(ends[0]);
  CHECK(read_text_file("/dev/null", 10).empty());
}

TEST_CASE("configuration: a required option may come from anywhere") {
  Reading reading{{}, {"RANKWIRE_COUNT=3"}};
  reading.required = true;
  (void)reading.settings();
  CHECK(reading.own.count == 3);
  Reading missing{{}};
  missing.required = true;
  refused(missing, {"--count", "required"});
}

TEST_CASE("configuration: transport") {
  const LauncherWorld four{"OMPI_COMM_WORLD_SIZE", 4};
  const auto transport = [](Reading reading) { return reading.settings().transport; };
  CHECK(transport({{"--join", "tcp://a:1"}}) == "zmq");
  CHECK(transport({.arguments = {}, .launcher = four}) == "mpi");
  CHECK(transport({.arguments = {"-n", "4"}, .launcher = four}) == "mpi");
  CHECK(transport({.arguments = {"--transport", "inproc", "-n", "3"}, .launcher = four}) ==
        "inproc");
  CHECK(transport({.arguments = {"--join", "tcp://a:1"}, .launcher = four}) == "zmq");
  // Said with more authority, --transport silences an endpoint; with less, it contradicts it.
  CHECK(transport({{"--transport", "inproc"}, {"RANKWIRE_JOIN=tcp://a:1"}}) == "inproc");
  refused({{"--join", "tcp://a:1"}, {"RANKWIRE_TRANSPORT=inproc"}},
          {"--join (command line)", "variable RANKWIRE_TRANSPORT"});
  refused({.arguments = {"-n", "3"}, .launcher = four}, {"3 ranks", "started 4", "OMPI_COMM"});
}

TEST_CASE("configuration: contradictions") {
  refused({{"--listen", "tcp://a:1"}, {"RANKWIRE_JOIN=tcp://a:1"}},
          {"--listen (command line)", "--join (variable RANKWIRE_JOIN)"});
  refused({{"--listen", "tcp://a:1"}}, {"-n N"});
  refused({{"--transport", "zmq"}}, {"--listen", "--join"});
  refused({{"--rank", "2"}}, {"--rank", "--join"});
  refused({{"--rank", "4", "-n", "4", "--join", "tcp://a:1"}}, {"rank 4", "1 to 3"});
  refused({.arguments = {"--transport", "mpi"}, .backends = built({"inproc"})}, {"without MPI"});
  refused(
      {.arguments = {}, .backends = built({"inproc"}), .launcher = LauncherWorld{"PMI_SIZE", 4}},
      {"PMI_SIZE", "--transport inproc", "RANKWIRE_WITH_MPI"});
  refused({.arguments = {"--join", "tcp://a:1"}, .backends = built({"inproc"})},
          {"without ZeroMQ"});
}

TEST_CASE("configuration: where ranks of one host meet") {
  Reading master{{"--listen", "ipc:///tmp/s", "-n", "2"}};
  CHECK(master.settings().transport == "zmq");
  Reading worker{{"--join", "ipc:///tmp/s"}};
  CHECK(worker.settings().options.at("join") == "ipc:///tmp/s");
  // The sockets of the workers have longer paths.
  refused({{"--join", "ipc:///" + std::string(97, 'x')}}, {"has 98 bytes, and 97 are accepted"});
  refused({{"--listen", "ipc://s", "-n", "2"}}, {"--listen", "relative"});
}

TEST_CASE("configuration: contradictions of reach and keys") {
  const auto master = [](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--listen", "tcp://a:1", "-n", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return Reading{all};
  };
  const auto worker = [](const std::vector<std::string>& more) {
    std::vector<std::string> all{"--join", "tcp://a:1"};
    all.insert(all.end(), more.begin(), more.end());
    return Reading{all};
  };
  refused(master({"--key", "k"}), {"--key (command line)", "--allow DIR"});
  refused(master({"--allow", "d"}), {"--allow (command line)", "--key FILE", "keygen"});
  refused(master({"--key", "k", "--allow", "d", "--server-key", "m"}),
          {"--server-key (command line)", "for a worker", "--allow DIR"});
  refused(worker({"--key", "k"}), {"--key (command line)", "--server-key FILE"});
  refused(worker({"--server-key", "m"}), {"--server-key (command line)", "--key FILE", "keygen"});
  refused(worker({"--key", "k", "--server-key", "m", "--allow", "d"}),
          {"--allow (command line)", "for the master", "--server-key FILE"});
  refused(worker({"--address-file", "f"}), {"--address-file", "for the master", "--join @FILE"});
  refused(master({"--port-range", "1:2"}), {"--port-range", "for a worker", "--listen"});
  refused({{"--listen", "ipc:///tmp/s", "-n", "2", "--advertise", "a"}},
          {"--advertise (command line)", "--listen says ipc://"});
  refused({{"--join", "ipc:///tmp/s", "--port-range", "1:2"}},
          {"--port-range (command line)", "--join says ipc://"});
  refused(worker({"--key", "k", "--server-key", "m", "--insecure"}),
          {"--key (command line)", "--insecure (command line)", "leave --insecure out"});
}

TEST_CASE("configuration: reach and keys belong to zmq") {
  refused({{"--key", "k"}}, {"--key (command line)", "--listen or --join"});
  refused({{"--address-file", "f"}}, {"--address-file (command line)", "needs --listen"});
  refused({{}, {"RANKWIRE_PORT_RANGE=1:2"}}, {"variable RANKWIRE_PORT_RANGE", "needs --join"});
  refused({.arguments = {"--advertise", "a"}, .launcher = LauncherWorld{"PMI_SIZE", 4}},
          {"--advertise (command line)", "zmq"});
  refused({{"--transport", "inproc", "--allow", "d"}},
          {"--allow (command line)", "--transport (command line)", "inproc"});
  // Said with more authority, --transport silences them.
  Reading silenced{{"--transport", "inproc"}, {"RANKWIRE_KEY=k", "RANKWIRE_ADDRESS_FILE=f"}};
  CHECK(silenced.settings().transport == "inproc");
}

TEST_CASE("configuration: --help and --version answer") {
  Reading help{{"--help"}, {"RANKWIRE_NONSENSE=1"}};
  const std::string text = std::get<Answer>(help.read()).text;
  for (const char* const part :
       {"--count", "--ranks", "--config", "RANKWIRE_", "Exit codes", "1min"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  Reading version{{"--version"}};
  CHECK(std::get<Answer>(version.read()).text.starts_with("program (rankwire "));
}
