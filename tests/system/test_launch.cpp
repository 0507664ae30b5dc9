#include <chrono>
#include <csignal>
#include <filesystem>

#include "../support/folder.hpp"
#include "system.hpp"

using namespace test_system;

namespace {

Arguments launch(int ranks, const Arguments& program, const Arguments& options = {}) {
  return Arguments{LAUNCHER, "launch", "-n", std::to_string(ranks)} + options + Arguments{"--"} +
         program;
}

Result run(const Arguments& arguments) {
  return support::run({arguments});
}

}  // namespace

TEST_CASE("launch: the golden output, byte for byte") {
  for (const int ranks : {1, 2, 4, 12}) {
    CAPTURE(ranks);
    const auto result = run(launch(ranks, {PRODUCT}));
    CHECK_CODE(result, 0);
    CHECK(result.out == golden(ranks));
  }
}

TEST_CASE("launch: how output is passed on") {
  const Arguments program{"sh", "-c", "echo out; echo error >&2; printf part"};
  const auto plain = run(launch(1, program));
  CHECK(plain.out == "out\npart");
  CHECK(plain.err == "[rank 0] error\n");
  const auto tagged = run(launch(1, program, {"--tag-output"}));
  CHECK(tagged.out == "[rank 0] out\n[rank 0] part\n");
  const auto two = run(launch(2, {"sh", "-c", "echo $RANKWIRE_RANK"}, {"--tag-output"}));
  CHECK_HAS(two.out, "[rank 0] \n");
  CHECK_HAS(two.out, "[rank 1] 1\n");
}

TEST_CASE("launch: variables about keys and reach are for other worlds") {
  const auto result = support::run(
      {launch(2, {PRODUCT}),
       {{"RANKWIRE_KEY", "k"}, {"RANKWIRE_ALLOW", "d"}, {"RANKWIRE_PORT_RANGE", "1:2"}}});
  CHECK_CODE(result, 0);
  CHECK(result.out == golden(2));
}

TEST_CASE("launch: a line without end passes whole") {
  const auto result = run(launch(1, {"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x"}));
  CHECK_CODE(result, 0);
  CHECK(result.out == std::string(300'000, 'x'));
}

TEST_CASE("launch: --fail on each way") {
  const Arguments json{PRODUCT, "--format", "json", "--timeout", "5s", "--fail"};
  const std::string others = json_line(1) + json_line(3);
  SUBCASE("crash") {
    const auto result = run(launch(4, json + Arguments{"2:crash"}));
    CHECK_CODE(result, 137);
    CHECK(result.out == others);
    CHECK_HAS(result.err, "rank 2 (pid ");
    CHECK_HAS(result.err, "killed by signal 9");
    CHECK_HAS(result.err, "was lost");
  }
  SUBCASE("leave") {
    const auto result = run(launch(4, json + Arguments{"2:leave"}));
    CHECK_CODE(result, 3);
    CHECK(result.out == others);
    CHECK_HAS(result.err, " left ");
  }
  SUBCASE("hang") {
    const auto result = run(launch(4, json + Arguments{"2:hang"}, {"--grace", "2s"}));
    CHECK_CODE(result, 4);
    CHECK(result.out == others);
    CHECK_HAS(result.err, "gave no result within 5s");
  }
}

TEST_CASE("launch: the first cause is the exit code, those left behind are ended") {
  const auto code = [](const std::string& script) {
    return run(launch(3, {"sh", "-c", script}, {"--grace", "300ms"}));
  };
  const auto exited = code("test \"$RANKWIRE_RANK\" = 1 && exit 7; exec sleep 100");
  CHECK_CODE(exited, 7);
  CHECK_HAS(exited.err, "rank 1 (pid ");
  CHECK_HAS(exited.err, "exited with code 7");
  CHECK_HAS(exited.err, "SIGTERM");
  const auto stubborn =
      code("test \"$RANKWIRE_RANK\" = 1 && kill -9 $$; trap '' TERM; while :; do sleep 0.1; done");
  CHECK_CODE(stubborn, 137);
  CHECK_HAS(stubborn.err, "killed by signal 9");
  CHECK_HAS(stubborn.err, "SIGKILL");
  CHECK_CODE(code("test \"$RANKWIRE_RANK\" = 1 || exit 5; sleep 0.2; exit 9"), 9);
}

// The grace, SIGTERM, the grace again, SIGKILL.
TEST_CASE("launch: those left behind have the grace, twice, and no longer") {
  using namespace std::chrono_literals;
  const std::string script =
      "test \"$RANKWIRE_RANK\" = 1 || exit 5; trap '' TERM; while :; do sleep 0.1; done";
  const auto start = std::chrono::steady_clock::now();
  const auto result = run(launch(2, {"sh", "-c", script}, {"--grace", "2s"}));
  const auto time = std::chrono::steady_clock::now() - start;
  CHECK_CODE(result, 5);
  CHECK(time >= 4s);
  CHECK(time <= 8s);  // one of the two taken four times would be over later
}

TEST_CASE("launch: SIGINT and SIGTERM reach all ranks") {
  for (const int number : {SIGINT, SIGTERM}) {
    Process process{{launch(3, {WAITER})}};
    for (const char* const rank : {"rank 0 waits", "rank 1 waits", "rank 2 waits"}) {
      process.wait_for_text(rank);
    }
    process.send_signal(number);
    CHECK_CODE(process.wait(), 128 + number);
  }
}

TEST_CASE("launch: a second signal kills") {
  Process process{{launch(2, {"sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.1; done"},
                          {"--grace", "1h"})}};
  process.wait_for_text("ready\nready\n");
  process.send_signal(SIGINT);
  // Two of one kind that are pending together are one to the kernel: use another.
  process.send_signal(SIGTERM);
  const auto result = process.wait();
  CHECK_CODE(result, 137);
  CHECK_HAS(result.err, "interrupted twice");
}

TEST_CASE("launch: rank 0 reads stdin, the others nothing") {
  const auto result = run({"sh", "-c", "echo hello | \"$0\" launch -n 2 -- cat", LAUNCHER});
  CHECK_CODE(result, 0);
  CHECK(result.out == "hello\n");
}

TEST_CASE("launch: over ipc, the same output; the sockets' folder is gone at the end") {
  const Folder folder;
  const auto over_ipc = [&](const Arguments& program) {
    return support::run(
        {launch(4, program, {"--over", "ipc"}), {{"XDG_RUNTIME_DIR", folder.path()}}});
  };
  const auto all = over_ipc({PRODUCT});
  CHECK_CODE(all, 0);
  CHECK(all.out == golden(4));
  CHECK_HAS(all.err, "listens on ipc://" + folder / "rankwire-");
  CHECK(std::filesystem::is_empty(folder.path()));
  const auto killed =
      over_ipc({PRODUCT, "--format", "json", "--timeout", "5s", "--fail", "2:crash"});
  CHECK_CODE(killed, 137);
  CHECK(killed.out == json_line(1) + json_line(3));
  CHECK_HAS(killed.err, "its process is gone");
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("launch: over ipc, the folder is its user's, and gone after a signal, too") {
  const Folder folder;
  const Arguments program = launch(3, {WAITER}, {"--over", "ipc"});
  Process process{{program, {{"XDG_RUNTIME_DIR", folder.path()}}}};
  for (const char* const rank : {"rank 0 waits", "rank 1 waits", "rank 2 waits"}) {
    process.wait_for_text(rank);
  }
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
    CHECK(entry.status().permissions() == std::filesystem::perms::owner_all);
    ++found;
  }
  CHECK(found == 1);
  process.send_signal(SIGTERM);
  CHECK_CODE(process.wait(), 143);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("launch: over ipc, where the session's folder will not do") {
  for (const std::string& folder : {std::string{"/no/such/folder"}, std::string(70, '/')}) {
    const auto result =
        support::run({launch(2, {PRODUCT}, {"--over", "ipc"}), {{"XDG_RUNTIME_DIR", folder}}});
    CHECK_CODE(result, 0);
    CHECK_HAS(result.err, "listens on ipc:///tmp/rankwire-");
  }
}

TEST_CASE("launch: wrong usage") {
  const auto refused = [](const Arguments& arguments, const std::string& word) {
    const auto result = run(Arguments{LAUNCHER} + arguments);
    CHECK_CODE(result, 2);
    CHECK(result.out.empty());
    CHECK_HAS(result.err, word);
  };
  refused({}, "subcommand");
  refused({"launch", "-n", "4"}, "no program");
  refused({"launch", "-n", "0", "--", "true"}, "--ranks");
  refused({"launch", "-n", "2", "--", "/no/such/program"}, "/no/such/program");
  refused({"launch", "--grace", "5", "--", "true"}, "5s");
  refused({"launch", "--prot", "5", "--", "true"}, "did you mean --port?");
  refused({"launch", "--over", "udp", "--", "true"}, "--over");
  refused({"launch", "--over", "ipc", "--port", "5", "--", "true"}, "--over tcp");
  refused({"lunch", "-n", "4", "--", "true"}, "did you mean launch?");
  CHECK_CODE(run({LAUNCHER, "--version"}), 0);
  CHECK_HAS(run({LAUNCHER, "launch", "--help"}).out, "--tag-output");
}
