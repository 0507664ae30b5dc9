#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <set>
#include <thread>
#include <tuple>

#include "rankwire/backend/handover.hpp"
#include "rankwire/backend/progress.hpp"

using namespace rankwire;
using namespace std::chrono_literals;
using Moved = Progress::Moved;

TEST_CASE("handover: a second caller is refused, and changes nothing") {
  Handover handover;
  CHECK(handover.enter());
  CHECK(handover.in_call());
  CHECK_FALSE(handover.enter());
  CHECK_FALSE(handover.try_take());
  CHECK(handover.in_call());
  handover.leave();
  CHECK_FALSE(handover.in_call());
  CHECK(handover.enter());
  handover.leave();
}

TEST_CASE("handover: a call waits for the channel's thread, which is told") {
  Handover handover;
  REQUIRE(handover.try_take());
  CHECK_FALSE(handover.is_wanted());
  std::atomic<bool> inside = false;
  std::thread program{[&] {
    CHECK(handover.enter());
    inside = true;
    handover.leave();
  }};
  while (!handover.is_wanted()) std::this_thread::yield();
  std::this_thread::sleep_for(20ms);
  CHECK_FALSE(inside);
  handover.give_back();
  program.join();
  CHECK(inside);
}

TEST_CASE("handover: never two inside, in many short calls") {
  constexpr int calls = 300'000;
  Handover handover;
  std::uint64_t shared = 0;  // not atomic: ThreadSanitizer would see two inside
  std::atomic<bool> done = false;
  std::uint64_t taken = 0;
  std::thread own{[&] {
    while (!done) {
      if (!handover.try_take()) continue;
      ++shared;
      ++taken;
      handover.give_back();
    }
  }};
  for (int i = 0; i < calls; ++i) {
    CHECK(handover.enter());
    ++shared;
    handover.leave();
  }
  done = true;
  own.join();
  CHECK(shared == taken + calls);
  CHECK(taken > 0);
}

namespace {

/// The steps of Handover, on a machine whose stores wait in a buffer of each thread until it likes
/// (as x86; what weaker machines reorder besides, acquire and release forbid). All orders of the
/// steps are tried.
struct Machine {
  // Words: 0: a call is inside; 1: the channel's thread has the turn.
  using Buffer = std::deque<std::pair<int, bool>>;
  std::array<bool, 2> memory{};
  Buffer program_stores, thread_stores;
  int program_at = 0, thread_at = 0, calls_left = 3;

  auto operator<=>(const Machine&) const = default;
  [[nodiscard]] bool both_inside() const { return program_at == 2 && thread_at == 3; }

  static bool load(const Machine& machine, const Buffer& own, int word) {
    for (auto store = own.rbegin(); store != own.rend(); ++store) {
      if (store->first == word) return store->second;
    }
    return machine.memory[static_cast<std::size_t>(word)];
  }
  void write_one(Buffer& stores) {
    memory[static_cast<std::size_t>(stores.front().first)] = stores.front().second;
    stores.pop_front();
  }
  void fence() {  // membarrier: on the cores of both
    while (!program_stores.empty()) write_one(program_stores);
    while (!thread_stores.empty()) write_one(thread_stores);
  }
  /// Handover::enter and leave. False: no step.
  bool step_program() {
    switch (program_at) {
      case 0:
        if (calls_left == 0) return false;
        --calls_left;
        program_stores.emplace_back(0, true);
        program_at = 1;
        return true;
      case 1:
        if (load(*this, program_stores, 1)) return false;  // waits
        program_at = 2;
        return true;
      default:
        program_stores.emplace_back(0, false);
        program_at = 0;
        return true;
    }
  }
  /// Handover::try_take and give_back.
  bool step_thread(bool with_fence) {
    switch (thread_at) {
      case 0:
        thread_stores.emplace_back(1, true);
        thread_at = 1;
        return true;
      case 1:
        if (with_fence) fence();
        thread_at = 2;
        return true;
      case 2:
        thread_at = load(*this, thread_stores, 0) ? 4 : 3;
        return true;
      case 3:
        thread_at = 4;
        return true;
      default:
        thread_stores.emplace_back(1, false);
        thread_at = 0;
        return thread_stores.size() < 4;  // it would go on for ever
    }
  }
};

/// Whether any order of steps brings both inside.
bool both_can_be_inside(bool with_fence) {
  std::set<Machine> seen;
  std::deque<Machine> next{Machine{}};
  const auto add = [&](const Machine& machine) {
    if (seen.insert(machine).second) next.push_back(machine);
  };
  while (!next.empty()) {
    const Machine now = next.front();
    next.pop_front();
    if (now.both_inside()) return true;
    Machine after = now;
    if (after.step_program()) add(after);
    after = now;
    if (after.step_thread(with_fence)) add(after);
    after = now;
    if (!after.program_stores.empty()) {
      after.write_one(after.program_stores);
      add(after);
    }
    after = now;
    if (!after.thread_stores.empty()) {
      after.write_one(after.thread_stores);
      add(after);
    }
  }
  CHECK(seen.size() > 100);
  return false;
}

}  // namespace

TEST_CASE("handover: in no order of its steps are two inside, thanks to the fence") {
  CHECK_FALSE(both_can_be_inside(true));
  CHECK(both_can_be_inside(false));
}

TEST_CASE("progress: the thread comes while nobody calls, soon again while there is work") {
  Handover handover;
  std::atomic<int> moves = 0;
  std::atomic<bool> disturbed = false;
  Progress progress{handover, [&] {
                      disturbed = disturbed || handover.in_call();
                      return Moved{++moves < 20};
                    }};
  const auto start = std::chrono::steady_clock::now();
  while (moves < 20 && std::chrono::steady_clock::now() - start < 10s) {
    std::this_thread::sleep_for(1ms);
  }
  CHECK(moves >= 20);
  CHECK_FALSE(disturbed);
}

TEST_CASE("progress: the thread leaves a call alone, and comes between calls") {
  Handover handover;
  std::atomic<int> moves = 0;
  Progress progress{handover, [&] { return ++moves, Moved{true}; }};
  REQUIRE(handover.enter());
  std::this_thread::sleep_for(200ms);
  CHECK(moves == 0);
  handover.leave();
  const auto start = std::chrono::steady_clock::now();
  while (moves < 3 && std::chrono::steady_clock::now() - start < 10s) {
    CHECK(handover.enter());
    handover.leave();
    std::this_thread::sleep_for(1ms);
  }
  CHECK(moves >= 3);
}

TEST_CASE(
    "progress: a file wakes the thread, and one that is always readable does not make it spin") {
  const int file = eventfd(0, EFD_CLOEXEC);
  REQUIRE(file >= 0);
  Handover handover;
  std::atomic<int> moves = 0;
  {
    Progress progress{handover, [&] { return ++moves, Moved{false, file}; }};
    while (moves == 0) std::this_thread::sleep_for(1ms);
    std::this_thread::sleep_for(1s);
    CHECK(moves < 10);  // every 500 ms
    eventfd_write(file, 1);
    const int before = moves;
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(1s);
    const auto time = std::chrono::steady_clock::now() - start;
    CHECK(moves > before);
    CHECK(moves - before <= time / 10ms);  // two looks each 60 ms; a spin makes thousands
  }
  ::close(file);
}

TEST_CASE("handover: the channel's thread sleeps through a call, and wakes at its end") {
  constexpr int calls = 20'000;
  Handover handover;
  const std::atomic<bool> ends = false;
  std::atomic<bool> done = false;
  int dozed = 0;
  std::thread own{[&] {
    while (!done) {
      const auto call = handover.calls();
      if (call % 2 == 0) continue;
      handover.doze(call, ends);  // for ever, if the end of the call were missed
      ++dozed;
    }
  }};
  for (int i = 0; i < calls; ++i) {
    CHECK(handover.enter());
    if (i % 100 == 0) std::this_thread::sleep_for(100us);
    handover.leave();
  }
  done = true;
  own.join();
  CHECK(dozed > 0);
}

TEST_CASE("progress: it ends while a call is inside") {
  Handover handover;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(handover.enter());
    {
      const Progress progress{handover, [] { return Moved{true}; }};
      std::this_thread::sleep_for(i * 5ms);
    }
    handover.leave();
  }
}

TEST_CASE("progress: it ends at once") {
  Handover handover;
  for (int i = 0; i < 100; ++i) {
    const Progress progress{handover, [] { return Moved{true}; }};
    if (i % 10 == 0) std::this_thread::sleep_for(60ms);
  }
}
