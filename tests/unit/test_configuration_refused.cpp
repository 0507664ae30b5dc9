#include "configuration_reading.hpp"

using namespace rankwire;

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
       {"--transport",  "-n",           "--listen",     "--join",         "--rank",
        "--job",        "--advertise",  "--port-range", "--join-timeout", "--grace",
        "--linger",     "--window",     "--memory",     "--message-max",  "--wait-spin",
        "--wait-yield", "--wait-sleep", "--progress",   "--log-level",    "--count",
        "--own_format"}) {
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
  refused({{"--progress", "threads"}}, {"'threads'", "thread, call are", "did you mean thread?"});
  refused({{"--window", "1023"}}, {"'1023'", "1KiB"});
  refused({{"--memory", "65535"}}, {"'65535'", "64KiB"});
  refused({{"--memory", "much"}}, {"'much'"});
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

TEST_CASE("configuration: a text without quotes is told of them, and nothing else is") {
  const auto of = [](const std::string& line) {
    const File file{"ranks = 2\n" + line};
    try {
      (void)read_configuration_file(file.path);
    } catch (const UsageError& error) {
      return std::string{error.what()};
    }
    return std::string{};
  };
  const auto advised = [&](const std::string& line, const std::string& advice) {
    const std::string text = of(line + "\ngrace = '1s'\n");
    CAPTURE(text);
    CHECK(text.find("line 2") != std::string::npos);
    CHECK(text.ends_with("; text stands in quotes: " + advice));
    CHECK(of(line).ends_with(advice));  // the last line, without an end
  };
  advised("listen = tcp://127.0.0.1:5555", "listen = \"tcp://127.0.0.1:5555\"");
  advised("listen=tcp://*:0 # any", "listen= \"tcp://*:0\"");
  advised("join-timeout = 5s", "join-timeout = \"5s\"");
  advised("job = half\r", "job = \"half\"");
  for (const char* const line :
       {"job = 'half", "job = \"a\" b", "job =", "job", "= ", "job = [1", "job = # half"}) {
    CAPTURE(line);
    CHECK(of(line).find("not TOML") != std::string::npos);
    CHECK(of(line).find("quotes: ") == std::string::npos);
  }
}

TEST_CASE("configuration: habits of mpiexec and of other options are answered") {
  const char* const np = "'p' is not accepted: a whole number from 1 to 100000 is; mpiexec's -np N";
  refused({{"-np", "4"}}, {"command line: --ranks: ", np, "-n N here"});
  refused({{"--np", "4"}}, {"unknown option --np", "did you mean -n?"});
  refused({{"--np=4"}}, {"unknown option --np", "did you mean -n?"});
  refused({{"-n=3"}}, {"'=3' is not accepted", "; say -n 3"});
}

TEST_CASE("configuration: a flag has the same values wherever it is given") {
  const std::vector<std::string> master{"--listen", "tcp://127.0.0.1:1", "-n", "2"};
  for (const std::string& value :
       {std::string{"true"}, std::string{"1"}, std::string{"false"}, std::string{"0"}}) {
    CAPTURE(value);
    const bool is_set = value == "true" || value == "1";
    const auto flags = [](Reading reading) {
      const auto options = reading.settings().options;
      const auto found = options.find("insecure");
      CHECK(reading.own.fast == (found != options.end() && found->second == "true"));
      return reading.own.fast;
    };
    auto said = master;
    said.insert(said.end(), {"--insecure=" + value, "--fast=" + value});
    CHECK(flags({said}) == is_set);
    CHECK(flags({master, {"RANKWIRE_INSECURE=" + value, "RANKWIRE_FAST=" + value}}) == is_set);
    const File file{"insecure = " + value + "\nfast = " + value + "\n"};
    said = master;
    said.insert(said.end(), {"--config", file.path});
    CHECK(flags({said}) == is_set);
  }
  for (const std::string& value : {std::string{"yes"}, std::string{"on"}, std::string{"2"},
                                   std::string{"True"}, std::string{"t"}, std::string{"-1"}}) {
    CAPTURE(value);
    const std::string text =
        "--insecure: '" + value + "' is not accepted: true, false, 1 and 0 are";
    refused({{"--insecure=" + value}}, {"command line: " + text + "; --insecure alone says true"});
    refused({{}, {"RANKWIRE_INSECURE=" + value}}, {"variable RANKWIRE_INSECURE: " + text});
    const File file{"insecure = '" + value + "'\n"};
    refused({{"--config", file.path}}, {"line 1: " + text});
    refused({{"--fast=" + value}}, {"command line: --fast: '" + value + "' is not accepted"});
  }
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
