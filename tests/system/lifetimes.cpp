#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <rankwire/rankwire.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Channels whose life is cut across: another thread aborts, or another process is forked from a
// rank. One rank (--actor) does what --how says.

namespace {

using namespace std::chrono_literals;
using rankwire::Buffer;
using rankwire::Channel;
using rankwire::Deadline;

constexpr auto patience = 30s;
constexpr int abort_code = 7, child_code = 9;
constexpr int tag = 1, never = 2;

struct Options {
  std::string how = "return";
  int actor = 1;
};

void expect(bool holds, const char* what) {
  if (!holds) throw std::runtime_error{std::string{"not so: "} + what};
}

// A watchdog aborts.

using Meanwhile = std::function<void(Channel& world)>;

const std::map<std::string, Meanwhile> aborts{
    {"abort-receive", [](Channel& world) { (void)world.recv((world.rank() + 1) % 3, never); }},
    {"abort-send",
     [](Channel& world) {
       while (true) world.send((world.rank() + 1) % 3, never, Buffer{std::size_t{1} << 20});
     }},
    {"abort-compute", [](Channel&) {}},
    {"abort-close", [](Channel& world) { world.close(patience); }},
    {"abort-away", [](Channel&) { std::this_thread::sleep_for(patience); }},
    {"abort-crowd", [](Channel& world) { (void)world.recv((world.rank() + 1) % 3, never); }},
};

void be_aborted(Channel& world, const Options& options) {
  if (world.rank() != options.actor) {
    world.send(options.actor, tag, Buffer{});
    while (true) {
      (void)world.departure(options.actor);
      std::this_thread::sleep_for(1ms);
    }
  }
  for (int other = 0; other < world.size(); ++other) {
    if (other != world.rank()) (void)world.recv(other, tag);
  }
  std::atomic<int> biting{options.how == "abort-crowd" ? 4 : 1};
  for (int i = biting; i > 0; --i) {
    std::thread{[&world, &biting] {
      std::this_thread::sleep_for(100ms);
      world.abort(abort_code, "the watchdog bites");
      --biting;
    }}.detach();
  }
  const auto wait_for_them = [&biting] {
    const Deadline end{patience};
    while (biting > 0 && !end.expired()) std::this_thread::sleep_for(1ms);
  };
  try {
    aborts.at(options.how)(world);
  } catch (...) {
    wait_for_them();
    throw;
  }
  wait_for_them();
}

// A process is forked.

template <class Call>
void expect_refused(Call&& call) {
  try {
    call();
  } catch (const rankwire::UsageError& error) {
    expect(std::string{error.what()}.find("forked") != std::string::npos, "the text says why");
    return;
  }
  throw std::runtime_error{"a call in a forked process was not refused"};
}

/// Every call, by a process that is not the channel's.
void call_all(Channel& world) {
  expect_refused([&] { world.send(0, tag, Buffer{}); });
  expect_refused([&] { world.send(0, tag, std::span<const std::byte>{}); });
  expect_refused([&] { (void)world.recv(0, tag, Deadline::poll()); });
  expect_refused([&] { (void)world.next(0, tag, Deadline::poll()); });
  expect_refused([&] { (void)world.departure(0); });
  expect_refused([&] { (void)world.info(); });
  world.abort(abort_code, "a process that is no rank");
  world.close();
}

/// The status of a child that ends by itself.
int status_of(pid_t child) {
  const Deadline end{patience};
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (end.expired()) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      throw std::runtime_error{"the child hangs"};
    }
    std::this_thread::sleep_for(10ms);
  }
  return status;
}

/// As users start other programs: a reader that has gone ends them, quietly.
void check_closed_pipe() {
  FILE* const yes = popen("yes 2>&1", "r");
  std::array<char, 8> line{};
  expect(yes != nullptr && std::fgets(line.data(), line.size(), yes) != nullptr, "yes says y");
  const int status = pclose(yes);
  const bool by_signal = WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE;
  expect(by_signal || (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGPIPE),
         "yes was ended by SIGPIPE");
}

/// What the child does; only "fork-return" comes back.
void be_child(Channel& world, const std::string& how) {
  if (how == "fork-exit") std::exit(child_code);
  if (how == "fork-leave") std::exit(0);
  if (how == "fork-throw") throw rankwire::Timeout{"the child's own failure"};
  if (how == "fork-calls") {
    call_all(world);
    _exit(child_code);
  }
  if (how == "fork-term") {
    while (true) pause();
  }
  if (how == "fork-write") {
    std::array<int, 2> ends{-1, -1};
    if (pipe(ends.data()) == 0 && close(ends[0]) == 0 && write(ends[1], "y", 1) < 0) _exit(0);
    _exit(child_code);
  }
}

void check_child(pid_t child, const std::string& how) {
  if (how == "fork-term") {
    std::this_thread::sleep_for(50ms);
    kill(child, SIGTERM);
    const int status = status_of(child);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "SIGTERM ended the child");
    return;
  }
  const int status = status_of(child);
  if (how == "fork-write") {
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "SIGPIPE ended the child");
    return;
  }
  const std::map<std::string, int> codes{
      {"fork-throw", static_cast<int>(rankwire::ExitCode::timeout)}, {"fork-leave", 0}};
  const auto code = codes.find(how);
  expect(WIFEXITED(status), "the child was not killed");
  expect(WEXITSTATUS(status) == (code == codes.end() ? child_code : code->second),
         "the child's code");
}

/// All ranks talk to each other: for the first time, or again.
void exchange(Channel& world) {
  for (int other = 0; other < world.size(); ++other) rankwire::send(world, other, tag, other);
  for (int other = 0; other < world.size(); ++other) {
    expect(rankwire::recv<int>(world, other, tag, patience) == world.rank(), "the right number");
  }
}

int fork_one(Channel& world, const Options& options) {
  // Only the actor's links stand: what a child broke would be missed by those who dial now.
  if (world.rank() == options.actor) {
    if (options.how == "fork-pipe") {
      check_closed_pipe();
    } else {
      const pid_t child = fork();
      if (child == 0) {
        be_child(world, options.how);
        return child_code;
      }
      check_child(child, options.how);
    }
    for (int other = 0; other < world.size(); ++other) {
      if (other != world.rank()) rankwire::send(world, other, never, 1);
    }
  } else {
    expect(rankwire::recv<int>(world, options.actor, never, patience) == 1, "a one");
  }
  exchange(world);
  return 0;
}

/// One dies, and a process that it has forked holds what it had open.
int fork_hold(Channel& world, const Options& options) {
  exchange(world);
  if (world.rank() == options.actor) {
    constexpr auto holds = 6s;
    if (fork() == 0) std::this_thread::sleep_for(holds);
    _exit(child_code);
  }
  try {
    (void)world.recv(options.actor, never, patience);
  } catch (const rankwire::PeerLost&) {
    return 0;
  }
  throw std::runtime_error{"the loss was not noticed"};
}

int run_rank(Channel& world, const Options& options) {
  if (options.how == "fork-hold") return fork_hold(world, options);
  if (aborts.contains(options.how)) be_aborted(world, options);
  if (options.how.starts_with("fork-") && options.how != "fork-after") {
    return fork_one(world, options);
  }
  return 0;
}

/// The world has ended, and the program goes on.
int fork_after() {
  const pid_t child = fork();
  if (child == 0) std::exit(child_code);
  const int status = status_of(child);
  return WIFEXITED(status) && WEXITSTATUS(status) == child_code ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const rankwire::Program program{.description = "Aborts by other threads, and forked processes.",
                                  .options = [&options](CLI::App& app) {
                                    app.add_option("--how", options.how);
                                    app.add_option("--actor", options.actor);
                                  }};
  const pid_t self = getpid();
  const int code = rankwire::run(
      argc, argv, [&options](Channel& world) { return run_rank(world, options); }, program);
  if (code == 0 && options.how == "fork-after" && getpid() == self) return fork_after();
  return code;
}
