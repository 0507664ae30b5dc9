#include <chrono>

#include "configuration_reading.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

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
                   "8KiB",       "--memory",
                   "2GiB",       "--message-max",
                   "1MiB",       "--wait-spin",
                   "1us",        "--wait-yield",
                   "2us",        "--wait-sleep",
                   "100us",      "--progress",
                   "call",       "--log-level",
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
  CHECK(settings.memory_bytes == std::uint64_t{2} << 30);
  CHECK_FALSE(Reading{{"--memory", "auto"}, {"RANKWIRE_MEMORY=1GiB"}}.settings().memory_bytes);
  CHECK(settings.message_bytes_max == 1 << 20);
  CHECK(settings.wait.spin == 1us);
  CHECK(settings.wait.yield == 2us);
  CHECK(settings.wait.sleep_max == 100us);
  CHECK_FALSE(settings.progress_thread);
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
  // As many worlds as processes.
  for (const char* const other : {"inproc", "mpi"}) {
    refused(launched({"--transport", other}),
            {"--transport (command line) says " + std::string{other},
             "launch, which started 2 processes", "leave --transport out"});
  }
}

TEST_CASE("configuration: under rankwire launch an endpoint is refused, on every rank alike") {
  const std::string size = "RANKWIRE_LAUNCH_SIZE=2", zmq = "RANKWIRE_TRANSPORT=zmq";
  const std::vector<std::string> master{size, zmq, "RANKWIRE_RANKS=2",
                                        "RANKWIRE_LISTEN=tcp://127.0.0.1:1"};
  const std::vector<std::string> worker{size, zmq, "RANKWIRE_RANKS=2",
                                        "RANKWIRE_JOIN=tcp://127.0.0.1:1"};
  for (const std::string& name : {std::string{"listen"}, std::string{"join"}}) {
    const File file{"\n" + name + " = 'tcp://127.0.0.1:2'\n"};
    const std::string advice = "rankwire launch gives its ranks their endpoints; leave --" + name;
    for (const auto& environment : {master, worker}) {
      const std::string option = "--" + name;
      refused({{option, "tcp://127.0.0.1:2"}, environment}, {option + " (command line)", advice});
      refused({{"--config", file.path}, environment},
              {option + " (file " + file.path + " line 2)", advice});
      refused({{"--config", file.path, option, "tcp://127.0.0.1:2"}, environment},
              {option + " (command line)", advice});
    }
  }
  // A process that such a rank has started without the launcher's endpoints.
  CHECK(Reading{{"--listen", "tcp://a:1", "-n", "3"}, {size}}.settings().ranks == 3);
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
