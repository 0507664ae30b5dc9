#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "rankwire/backend/wait.hpp"

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

/// A transport on which there is always more, or never anything.
struct FakeBackend {
  bool busy = false;
  int checks = 0, steps = 0, polls = 0, settled = 0;
  int interrupted_at = -1;

  void check() {
    if (++checks == interrupted_at) throw std::runtime_error{"interrupted"};
  }
  bool step(Deadline until) {
    ++steps;
    polls += until.is_poll() ? 1 : 0;
    if (!until.is_poll()) std::this_thread::sleep_for(until.sooner(1ms).remaining());
    return busy;
  }
  void settle() { ++settled; }
};

const auto never = [] { return false; };
const auto say_nothing = [] {};

}  // namespace

TEST_CASE("wait: a poll takes one look at a transport that has nothing") {
  FakeBackend backend;
  CHECK_FALSE(wait_until(backend, Deadline::poll(), never, say_nothing));
  CHECK(backend.steps == 1);
  CHECK(backend.polls == 1);
  CHECK(backend.settled == 1);
}

TEST_CASE("wait: a deadline ends it, though there is always more") {
  for (const auto deadline : {Deadline::poll(), Deadline{20ms}}) {
    FakeBackend backend{.busy = true};
    const auto start = Deadline::Clock::now();
    CHECK_FALSE(wait_until(backend, deadline, never, say_nothing));
    CHECK(Deadline::Clock::now() - start < 5s);
    CHECK(backend.checks == backend.steps);
    CHECK(backend.settled == 1);
  }
}

TEST_CASE("wait: what has come before a poll is found, behind others") {
  FakeBackend backend{.busy = true};
  CHECK(wait_until(
      backend, Deadline::poll(), [&] { return backend.steps == 5; }, say_nothing));
  CHECK(backend.settled == 0);
}

TEST_CASE("wait: what comes at the deadline is found") {
  FakeBackend backend;
  CHECK(wait_until(
      backend, Deadline{5ms}, [&] { return backend.polls == 1; }, say_nothing));
}

TEST_CASE("wait: signals and aborts are looked for in each round, whatever comes") {
  FakeBackend backend{.busy = true, .interrupted_at = 3};
  CHECK_THROWS_WITH(wait_until(backend, Deadline::never(), never, say_nothing), "interrupted");
  CHECK(backend.steps == 2);
}

TEST_CASE("wait: one that takes long says so once") {
  FakeBackend backend;
  int said = 0;
  const auto start = Deadline::Clock::now();
  const auto enough = [&] { return Deadline::Clock::now() - start > LongWaits::say_after + 500ms; };
  CHECK(wait_until(backend, Deadline::never(), enough, [&] { ++said; }));
  CHECK(said == 1);
}

TEST_CASE("wait: a program that never waits is told to look now and then") {
  LookTimer timer;
  int due = 0;
  for (int i = 0; i < 1000; ++i) due += timer.due() ? 1 : 0;
  CHECK(due >= 1);
  CHECK(due < 100);
  std::this_thread::sleep_for(30ms);
  timer.looked();
  for (int i = 0; i < 16; ++i) CHECK_FALSE(timer.due());
}
