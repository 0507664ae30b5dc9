#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "../support/folder.hpp"
#include "launch.hpp"

using namespace test_system;

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
  const auto code = [](const std::string& script, const char* grace = "300ms") {
    return run(launch(3, {"sh", "-c", script}, {"--grace", grace}));
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
  // Within any grace: a busy host starts `sleep` late.
  CHECK_CODE(code("test \"$RANKWIRE_RANK\" = 1 || exit 5; sleep 0.2; exit 9", "60s"), 9);
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

TEST_CASE("launch: timeout signals it and then its group: one signal") {
  const Folder folder;
  const auto result = run(Arguments{"timeout", "1", LAUNCHER, "launch", "-n", "3", "--", WAITER});
  CHECK_CODE(result, 124);
  CHECK_FALSE(has(result.err, "interrupted twice"));
  Process process{{launch(2, {WAITER})}};
  process.wait_for_text("rank 0 waits");
  process.wait_for_text("rank 1 waits");
  process.send_signal(SIGTERM);
  process.send_signal(SIGTERM);
  const auto twice = process.wait();
  CHECK_CODE(twice, 143);
  CHECK_FALSE(has(twice.err, "interrupted twice"));
}

TEST_CASE("launch: output that its reader does not take is a failure") {
  const auto result =
      support::run({.arguments = launch(2, {"/bin/echo", "hi"}), .stdout_to = "/dev/full"});
  CHECK_CODE(result, 1);
  CHECK_HAS(result.err, "cannot write to stdout: No space left on device");
  const auto shell = [](const std::string& redirection) {
    // Whose stdout is closed by then is not to be ended by it.
    return run(
        {"bash", "-c",
         "\"$0\" launch -n 2 -- sh -c 'trap \"\" PIPE; echo out; echo err >&2' " + redirection,
         LAUNCHER});
  };
  const auto closed = shell(">&-");
  CHECK_CODE(closed, 1);
  CHECK_HAS(closed.err, "cannot write to stdout: Bad file descriptor");
  CHECK_HAS(closed.err, "[rank 0] err\n");
  CHECK_CODE(shell("2>/dev/full"), 1);
  CHECK_CODE(shell("2>&-"), 1);
  CHECK_CODE(shell("</dev/null"), 0);
  CHECK_CODE(shell("<&-"), 0);
  // Those of the program itself.
  for (const Arguments& arguments :
       {Arguments{"--help"}, Arguments{"--version"}, Arguments{"launch", "--help"}}) {
    const auto answer =
        support::run({.arguments = Arguments{LAUNCHER} + arguments, .stdout_to = "/dev/full"});
    CHECK_CODE(answer, 1);
    CHECK_HAS(answer.err, "stdout did not take all results");
  }
  const Folder folder;
  const auto keys = support::run(
      {.arguments = {LAUNCHER, "keygen", "k", "--dir", folder.path()}, .stdout_to = "/dev/full"});
  CHECK_CODE(keys, 1);
}

TEST_CASE("launch: a reader that takes nothing keeps no signal from it") {
  // More than the pipe holds, to a reader that sleeps.
  Process process{
      {{"bash", "-c",
        "exec 3> >(exec sleep 100); exec \"$0\" launch -n 1 --grace 300ms -- sh -c 'echo "
        "begun >&2; exec yes' >&3",
        LAUNCHER}}};
  process.wait_for_text("begun");
  process.send_signal(SIGTERM);
  const auto result = process.wait();
  CHECK_CODE(result, 143);
}

TEST_CASE("launch: started where SIGCHLD is ignored, it hears of its ranks' ends all the same") {
  const auto result =
      run({"bash", "-c", "trap '' CHLD; exec \"$0\" launch -n 2 -- sh -c 'exit 7'", LAUNCHER});
  CHECK_CODE(result, 7);
  Process process{
      {{"bash", "-c", "trap '' CHLD; exec \"$0\" launch -n 2 -- \"$1\"", LAUNCHER, WAITER}}};
  process.wait_for_text("rank 0 waits");
  process.wait_for_text("rank 1 waits");
  process.send_signal(SIGTERM);
  CHECK_CODE(process.wait(), 143);
}

TEST_CASE("launch: descriptors that run out are told as that") {
  for (const std::string& limit : {std::string{"12"}, std::string{"15"}, std::string{"16"},
                                   std::string{"17"}, std::string{"40"}}) {
    CAPTURE(limit);
    const auto result =
        run({"bash", "-c", "ulimit -n " + limit + "; \"$0\" launch -n 40 -- sleep 100", LAUNCHER});
    CHECK_CODE(result, 1);
    CHECK_HAS(result.err, "Too many open files");
    CHECK_HAS(result.err, "ulimit -n");
    CHECK_FALSE(has(result.err, "cannot start the program"));
  }
}

TEST_CASE("launch: a rank that leaves by exit(0), or returns 256, is a failure") {
  const auto left = run(launch(2, {LEAVER, "--how", "exit"}));
  CHECK_CODE(left, 3);
  CHECK_CODE(run(launch(2, {LEAVER, "--how", "return", "--code", "256"})), 1);
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
    return support::run({launch(4, program, {"--over", "ipc"}), {{"TMPDIR", folder.path()}}});
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
  Process process{{program, {{"TMPDIR", ""}, {"XDG_RUNTIME_DIR", folder.path()}}}};
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

TEST_CASE("launch: over ipc, what a killed one has left the next one removes, and nothing else") {
  const Folder folder;
  const auto entries = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path()}) {
      names.insert(entry.path().filename());
    }
    return names;
  };
  const auto start = [&] {
    return Process{{launch(2, {WAITER}, {"--over", "ipc"}), {{"TMPDIR", folder.path()}}}};
  };
  Process killed = start();
  killed.wait_for_text("rank 1 waits");
  const auto left = entries();
  CHECK(left.size() == 1);
  killed.send_signal(SIGKILL);
  (void)killed.wait();
  CHECK(entries() == left);
  // Somebody else's, by name, by mode, or by what is in it.
  std::filesystem::create_directory(folder / "rankwire-launch-x");
  std::filesystem::create_directory(folder / "rankwire-launch-abcdef");  // others may enter
  Process living = start();
  living.wait_for_text("rank 0 waits");
  living.wait_for_text("rank 1 waits");
  const auto now = entries();
  CHECK(now.size() == 3);
  CHECK(now.count(*left.begin()) == 0);
  CHECK_CODE(support::run({launch(2, {PRODUCT}, {"--over", "ipc"}), {{"TMPDIR", folder.path()}}}),
             0);
  CHECK(entries() == now);  // one that lives keeps its own
  living.send_signal(SIGTERM);
  CHECK_CODE(living.wait(), 143);
  CHECK(entries() == std::set<std::string>{"rankwire-launch-x", "rankwire-launch-abcdef"});
}

TEST_CASE("launch: its ranks end with it when it is killed") {
  Process process{{launch(2, {WAITER})}};
  process.wait_for_text("rank 0 waits");
  process.wait_for_text("rank 1 waits");
  std::vector<std::string> pids;
  const std::string said = process.so_far().err;
  const std::regex line{"waits, pid (\\d+)"};
  for (std::sregex_iterator found{said.begin(), said.end(), line}, end; found != end; ++found) {
    pids.push_back((*found)[1]);
  }
  REQUIRE(pids.size() == 2);
  process.send_signal(SIGKILL);
  (void)process.wait();
  // A zombie has ended, too: not every container reaps those that have lost their parent.
  const auto lives = [](const std::string& pid) {
    const std::string status = content_of("/proc/" + pid + "/stat");
    return !status.empty() && !has(status, ") Z ");
  };
  for (const auto& pid : pids) {
    const auto until = std::chrono::steady_clock::now() + support::patience;
    while (lives(pid) && std::chrono::steady_clock::now() < until) usleep(10'000);
    CHECK_FALSE(lives(pid));
  }
}

TEST_CASE("launch: over ipc, where the session's folder will not do") {
  for (const std::string& folder : {std::string{"/no/such/folder"}, std::string(70, '/')}) {
    const auto result = support::run({launch(2, {PRODUCT}, {"--over", "ipc"}),
                                      {{"TMPDIR", folder}, {"XDG_RUNTIME_DIR", folder}}});
    CHECK_CODE(result, 0);
    CHECK_HAS(result.err, "listens on ipc:///tmp/rankwire-");
  }
}
