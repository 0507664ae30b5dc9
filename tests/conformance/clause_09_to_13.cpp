#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <thread>

#include "harness.hpp"

namespace conformance {
namespace {

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

CONFORMANCE_CASE("9: a call while another thread is inside one is refused", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) must_recv(world, 0, 1);
  if (world.rank() == 0) {
    std::string refusal;
    std::thread intruder{[&] {
      // The rank's own thread waits below; the intruder must find it inside sooner or later.
      const Deadline end = patience;
      while (refusal.empty() && !end.expired()) {
        std::this_thread::sleep_for(10ms);
        try {
          (void)world.departure(1);
        } catch (const rankwire::UsageError& error) {
          refusal = error.what();
        }
      }
    }};
    try {
      (void)world.recv(1, 3, 500ms);
      intruder.join();
    } catch (const rankwire::UsageError& error) {  // the intruder was inside first
      refusal = error.what();
      intruder.join();
    }
    EXPECT(refusal.find("thread") != std::string::npos);
    world.send(1, 1, Buffer{});
  }
}

/// Which would break what both use, where both pass: so this one never takes part in a call.
CONFORMANCE_CASE("9: whoever is refused leaves the channel to its owner", Needs{.ranks_min = 1}) {
  Channel& world = self.world();
  std::atomic<bool> inside{true};
  long refused = 0;
  std::thread intruder{[&] {
    while (inside.load()) {
      try {
        world.send(-7, 1, Buffer{});
      } catch (const rankwire::UsageError& error) {
        refused += std::string{error.what()}.find("thread") != std::string::npos ? 1 : 0;
      }
    }
  }};
  const Deadline end = 500ms;
  long bad = 0;
  while (!end.expired()) {
    try {
      (void)world.info();
      (void)world.recv(world.rank(), 5, Deadline::poll());
    } catch (const rankwire::UsageError&) {
      ++bad;
    }
  }
  inside = false;
  intruder.join();
  // Alone again, whatever happened meanwhile.
  world.send(world.rank(), 2, Buffer{});
  must_recv(world, world.rank(), 2);
  if (world.rank() == 0) MESSAGE(refused << " calls were refused, and " << bad << " of the owner");
}

CONFORMANCE_CASE("9: info is a call like any other", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() != 0) {
    must_recv(world, 0, 2);
    return;
  }
  std::atomic<bool> refused{false};
  std::thread intruder{[&] {
    const Deadline end = patience;
    while (!refused && !end.expired()) {
      std::this_thread::sleep_for(10ms);
      try {
        (void)world.info();
      } catch (const rankwire::UsageError&) {
        refused = true;
      }
    }
  }};
  const Deadline end = patience;
  while (!refused && !end.expired()) {
    try {
      EXPECT(!world.recv(1, 1, 100ms));
    } catch (const rankwire::UsageError&) {  // the intruder was inside first
    }
  }
  intruder.join();
  EXPECT(refused);
  for (int other = 1; other < world.size(); ++other) world.send(other, 2, Buffer{});
}

namespace {

/// Whether `call` is refused for that it is not made by the channel's process.
template <class Call>
bool is_refused_as_forked(const Call& call) {
  try {
    call();
  } catch (const rankwire::UsageError& error) {
    return std::string{error.what()}.find("forked") != std::string::npos;
  }
  return false;
}

/// What a forked process does with a channel of the process that it was forked from. Throws
/// nothing: that would lead it back into the harness.
bool has_no_part(Rank& self) try {
  Channel& world = self.world();
  const bool refused = is_refused_as_forked([&] { world.send(0, 1, Buffer{}); }) &&
                       is_refused_as_forked([&] { (void)world.recv(0, 1, Deadline::poll()); }) &&
                       is_refused_as_forked([&] { (void)world.next(0, 1, Deadline::poll()); }) &&
                       is_refused_as_forked([&] { (void)world.departure(1); }) &&
                       is_refused_as_forked([&] { (void)world.info(); });
  world.abort(7, "no rank");
  world.close(patience);
  self.channel.reset();
  return refused;
} catch (const std::exception&) {
  return false;
}

/// The exit code of a process that ends by itself; -1: it does not, or was killed.
int code_of(pid_t process) {
  const Deadline end = patience;
  int status = 0;
  while (waitpid(process, &status, WNOHANG) == 0) {
    if (end.expired()) kill(process, SIGKILL);
    std::this_thread::sleep_for(1ms);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void exchange(Channel& world) {
  for (int other = 0; other < world.size(); ++other) world.send(other, 1, Buffer{});
  for (int other = 0; other < world.size(); ++other) must_recv(world, other, 1);
}

}  // namespace

CONFORMANCE_CASE("9: a forked process has no part in the channel", Needs{.ranks_min = 2}) {
#ifdef __SANITIZE_THREAD__
  // In a process forked from one with threads, a lock of the sanitizer's may be held for ever.
  if (self.world().rank() == 0) MESSAGE("skipped: ThreadSanitizer does not stand forks of threads");
  return;
#endif
  exchange(self.world());
  // Of the master and of a worker; the last one has closed nothing when the others fork.
  if (self.world().rank() < 2) {
    const pid_t child = fork();
    if (child == 0) _exit(has_no_part(self) ? 0 : 1);
    EXPECT_EQUAL(code_of(child), 0);
  }
  exchange(self.world());
}

CONFORMANCE_CASE("10: close delivers what was accepted", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  constexpr int messages = 20;
  if (world.rank() == 1) {
    for (int i = 0; i < messages; ++i) {
      Buffer payload{std::size_t{1} << 20};
      payload.data()[1000] = static_cast<std::byte>(i);
      world.send(0, 1, std::move(payload), patience);
    }
    world.close(patience);
  }
  if (world.rank() == 0) {
    for (int i = 0; i < messages; ++i) {
      EXPECT(must_recv(world, 1, 1).payload.data()[1000] == static_cast<std::byte>(i));
    }
  }
}

CONFORMANCE_CASE("10: close is idempotent, and a closed channel refuses every use", Needs{}) {
  Channel& world = self.world();
  world.close(patience);
  world.close(patience);
  EXPECT_THROWS(rankwire::UsageError, world.send(0, 1, Buffer{}));
  EXPECT_THROWS(rankwire::UsageError, world.recv(0, 1, Deadline::poll()));
  EXPECT_THROWS(rankwire::UsageError, world.next(any_source, any_tag, Deadline::poll()));
  EXPECT_EQUAL(world.info().peers.size(), static_cast<std::size_t>(world.size()));
}

CONFORMANCE_CASE("10: the destructor of a channel that was never closed does not hang", Needs{}) {
  self.channel.reset();
}

CONFORMANCE_CASE("11: abort ends the wait of every other rank with the cause",
                 Needs{.ranks_min = 2}) {
  if (harness().abort_ends_processes()) {
    if (self.world().rank() == 0) {
      MESSAGE("skipped: here an abort ends the processes; the system tests look at that");
    }
    return;
  }
  const int culprit = self.world().size() - 1;
  if (self.world().rank() == culprit) {
    for (int other = 0; other < culprit; ++other) must_recv(self.world(), other, 1);
    self.world().abort(7, "the coffee is cold");
    self.channel.reset();
    return;
  }
  Channel& world = self.world();
  world.send(culprit, 1, Buffer{});
  const auto error = EXPECT_THROWS(rankwire::Aborted, world.recv(culprit, 2));
  EXPECT_EQUAL(error.rank(), culprit);
  EXPECT(std::string{error.what()}.find("the coffee is cold") != std::string::npos);
  EXPECT_THROWS(rankwire::Aborted, world.send(culprit, 1, Buffer{}));
}

namespace {

Settings small_window() {
  Settings settings;
  settings.window_bytes = 1024;
  return settings;
}

/// What a rank's own thread does while another thread of it aborts.
using Meanwhile = std::function<void(Channel& world)>;

/// Rank 0 is aborted by `threads` of its threads at once; every rank must end in Aborted, rank 0 in
/// what it does `meanwhile`, or in its next call.
void abort_by_threads(Rank& self, int threads, const Meanwhile& meanwhile) {
  Channel& world = self.world();
  if (harness().abort_ends_processes()) {
    if (world.rank() == 0) {
      MESSAGE("skipped: here an abort ends the processes; the system tests look at that");
    }
    return;
  }
  const auto check = [](const rankwire::Aborted& error, int exit_code) {
    EXPECT_EQUAL(error.rank(), 0);
    EXPECT(std::string{error.what()}.find("watchdog") != std::string::npos);
    EXPECT(error.exit_code() == exit_code || error.exit_code() == 7);  // inproc: one process
  };
  if (world.rank() != 0) {
    world.send(0, 1, Buffer{});
    // Rank 0 may leave before: it is closing then.
    const auto error = EXPECT_THROWS(rankwire::Aborted, [&] {
      const Deadline end = patience;
      while (!end.expired()) {
        (void)world.departure(0);
        std::this_thread::sleep_for(1ms);
      }
    }());
    check(error, static_cast<int>(rankwire::ExitCode::aborted));
    return;
  }
  for (int other = 1; other < world.size(); ++other) must_recv(world, other, 1);
  std::vector<std::thread> watchdogs;
  std::atomic<int> returned{0};
  for (int i = 0; i < threads; ++i) {
    watchdogs.emplace_back([&] {
      std::this_thread::sleep_for(100ms);
      world.abort(7, "the watchdog bites");
      ++returned;
    });
  }
  std::string failure;
  try {
    meanwhile(world);
    // Outside of the channel: nobody but the watchdogs can do it.
    const Deadline end = patience;
    while (returned < threads && !end.expired()) std::this_thread::sleep_for(1ms);
  } catch (const rankwire::Aborted& error) {
    if (error.exit_code() != 7) failure = "another exit code than the one that was said";
  } catch (const std::exception& error) {
    failure = error.what();
  }
  for (auto& watchdog : watchdogs) watchdog.join();
  if (!failure.empty()) throw Failure{failure};
  const auto error = EXPECT_THROWS(rankwire::Aborted, world.send(1, 1, Buffer{}));
  check(error, 7);
}

}  // namespace

CONFORMANCE_CASE("11: abort by another thread ends the wait of a receive", Needs{.ranks_min = 2}) {
  abort_by_threads(self, 1, [](Channel& world) { (void)world.recv(1, 2); });
}

CONFORMANCE_CASE("11: abort by another thread ends the wait of a send for room",
                 Needs{.ranks_min = 2, .settings = small_window()}) {
  abort_by_threads(self, 1, [](Channel& world) {
    while (true) world.send(1, 2, Buffer{std::size_t{1000}});
  });
}

CONFORMANCE_CASE("11: abort by another thread while the program computes, or calls in vain",
                 Needs{.ranks_min = 2}) {
  abort_by_threads(self, 1, [](Channel&) {});
}

/// The watchdog has to do it all: for the program it may be too late.
CONFORMANCE_CASE("11: abort by another thread while the program does not come back",
                 Needs{.ranks_min = 2}) {
  if (!harness().ranks_share_memory()) {
    if (self.world().rank() == 0) MESSAGE("left to ranks that share their memory");
    return;
  }
  static std::atomic<int> ended;
  Channel& world = self.world();
  if (world.rank() != 0) {
    world.send(0, 1, Buffer{});
    EXPECT_THROWS(rankwire::Aborted, world.recv(0, 2, patience));
    ++ended;
    return;
  }
  ended = 0;
  for (int other = 1; other < world.size(); ++other) must_recv(world, other, 1);
  std::thread{[&] { world.abort(7, "the watchdog bites"); }}.join();
  const Deadline end = patience;
  while (ended < world.size() - 1 && !end.expired()) std::this_thread::sleep_for(1ms);
  EXPECT_EQUAL(ended.load(), world.size() - 1);
}

CONFORMANCE_CASE("11: abort by another thread while the program polls", Needs{.ranks_min = 2}) {
  abort_by_threads(self, 1, [](Channel& world) {
    while (true) (void)world.recv(1, 2, Deadline::poll());
  });
}

CONFORMANCE_CASE("11: abort by another thread while the program receives its own",
                 Needs{.ranks_min = 2}) {
  abort_by_threads(self, 1, [](Channel& world) {
    while (true) {
      world.send(0, 2, Buffer{});
      (void)world.recv(0, 2);
    }
  });
}

CONFORMANCE_CASE("11: abort by several threads at once", Needs{.ranks_min = 2}) {
  abort_by_threads(self, 4, [](Channel& world) { (void)world.recv(1, 2); });
}

CONFORMANCE_CASE("11: abort by another thread while the channel closes", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() != 0 || harness().abort_ends_processes()) {
    abort_by_threads(self, 1, {});
    return;
  }
  for (int other = 1; other < world.size(); ++other) must_recv(world, other, 1);
  std::thread watchdog{[&] {
    std::this_thread::sleep_for(100ms);
    world.abort(7, "the watchdog bites");
  }};
  try {
    world.close(patience);  // the others stay until they are aborted
  } catch (const rankwire::Aborted& error) {
    EXPECT_EQUAL(error.exit_code(), 7);
  }
  watchdog.join();
}

namespace {

/// Of a second. Where signals come all the time (TEST_SIGNAL_US), each wakes the wait.
double idle_cpu_seconds_max() {
  return std::getenv("TEST_SIGNAL_US") == nullptr ? 0.25 : 0.7;
}

}  // namespace

CONFORMANCE_CASE("12: a blocked wait costs next to no CPU", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  const double before = thread_cpu_seconds();
  EXPECT(!world.recv((world.rank() + 1) % world.size(), 1, 1s));
  // CPU time, not elapsed time: what else the machine does adds nothing. Spinning would cost 1 s.
  EXPECT(thread_cpu_seconds() - before < idle_cpu_seconds_max());
  for (int other = 0; other < world.size(); ++other) world.send(other, 2, Buffer{});
  for (int other = 0; other < world.size(); ++other) must_recv(world, other, 2);
}

namespace {

/// As where a rank has a core of its own, however many cores and ranks there are here.
Settings long_yield() {
  Settings settings;
  settings.wait.spin = 50us;
  settings.wait.yield = 1ms;
  return settings;
}

}  // namespace

CONFORMANCE_CASE("12: a loop of short waits costs little CPU, too",
                 Needs{.ranks_min = 2, .settings = long_yield()}) {
  Channel& world = self.world();
  const double before = thread_cpu_seconds();
  const Deadline end = 1s;
  while (!end.expired()) EXPECT(!world.recv((world.rank() + 1) % world.size(), 1, 1ms));
  // Who spins and yields anew in each of them burns all that it gets of a core.
  EXPECT(thread_cpu_seconds() - before < idle_cpu_seconds_max());
  for (int other = 0; other < world.size(); ++other) world.send(other, 2, Buffer{});
  for (int other = 0; other < world.size(); ++other) must_recv(world, other, 2);
}

CONFORMANCE_CASE("13: info names the transport, every peer, and what was counted", Needs{}) {
  Channel& world = self.world();
  const int next = (world.rank() + 1) % world.size();
  world.send(next, 1, Buffer{std::size_t{100}});
  must_recv(world, any_source, 1);
  const auto info = world.info();
  EXPECT(!info.transport.empty());
  EXPECT(!info.library.empty());
  EXPECT_EQUAL(info.peers.size(), static_cast<std::size_t>(world.size()));
  for (int rank = 0; rank < world.size(); ++rank) {
    const auto& peer = info.peers[static_cast<std::size_t>(rank)];
    EXPECT_EQUAL(peer.rank, rank);
    EXPECT(!peer.host.empty());
    EXPECT(peer.pid > 0);
  }
  EXPECT_EQUAL(info.window_bytes, Settings{}.window_bytes);
  EXPECT_EQUAL(info.message_bytes_max, Settings{}.message_bytes_max);
  EXPECT_EQUAL(info.messages_sent, std::uint64_t{1});
  EXPECT_EQUAL(info.messages_received, std::uint64_t{1});
  EXPECT_EQUAL(info.bytes_sent, std::uint64_t{100});
  EXPECT_EQUAL(info.bytes_received, std::uint64_t{100});
  EXPECT_EQUAL(info.frames_dropped, std::uint64_t{0});
}

}  // namespace conformance
