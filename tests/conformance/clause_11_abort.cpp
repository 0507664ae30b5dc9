#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace conformance {

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

}  // namespace conformance
