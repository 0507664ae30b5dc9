#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string>
#include <thread>

#include "harness.hpp"

namespace conformance {

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

}  // namespace conformance
