#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <ctime>
#include <sstream>
#include <thread>

#include "harness.hpp"
#include "rankwire/backend/log.hpp"

namespace conformance {
namespace {

std::chrono::nanoseconds cpu_time_of_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

}  // namespace

CONFORMANCE_CASE("7: recv gives nothing at its deadline, and a past one polls",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    EXPECT(!world.recv(1, 1, Deadline::poll()));
    EXPECT(!world.recv(1, 1, 0s));
    EXPECT(!world.recv(any_source, any_tag, -5s));
    EXPECT(!world.recv(1, 1, 30ms));
    EXPECT(!world.recv(any_source, any_tag, 30ms));
    EXPECT(!world.next(1, any_tag, 30ms));
    world.send(1, 2, Buffer{});
  }
  if (world.rank() == 1) must_recv(world, 0, 2);
}

CONFORMANCE_CASE("7: the wait lasts until the deadline", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    const auto start = Deadline::Clock::now();
    EXPECT(!world.recv(1, 1, 100ms));
    EXPECT(Deadline::Clock::now() - start >= 100ms);
    world.send(1, 2, Buffer{});
  }
  if (world.rank() == 1) must_recv(world, 0, 2);
}

CONFORMANCE_CASE("7: a poll finds what has arrived", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) world.send(0, 1, Buffer{});
  if (world.rank() == 0) {
    const Deadline end = patience;
    bool found = false;
    while (!found && !end.expired()) found = world.recv(1, 1, Deadline::poll()).has_value();
    EXPECT(found);
  }
}

CONFORMANCE_CASE("7: a timeout leaves the channel whole", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    must_recv(world, 0, 1);
    for (int i = 0; i < 50; ++i) rankwire::send(world, 0, 2, i);
    Buffer large{std::size_t{3} << 20};
    large.data()[1 << 20] = std::byte{9};
    world.send(0, 3, std::move(large), patience);
  }
  if (world.rank() == 0) {
    EXPECT(!world.recv(1, 2, 10ms));
    EXPECT_THROWS(rankwire::Timeout, rankwire::recv<int>(world, 1, 2, 10ms));
    world.send(1, 1, Buffer{});
    for (int i = 0; i < 50; ++i) EXPECT_EQUAL(rankwire::recv<int>(world, 1, 2, patience), i);
    std::optional<Message> message;
    const Deadline end = patience;
    while (!message && !end.expired()) message = world.recv(1, 3, 1ms);
    EXPECT(message.has_value());
    EXPECT_EQUAL(message->payload.size(), std::size_t{3} << 20);
    EXPECT(message->payload.data()[1 << 20] == std::byte{9});
  }
}

/// Ten times what is promised, for machines that are busy with others.
CONFORMANCE_CASE("7: deadlines hold whatever arrives meanwhile", Needs{.ranks_min = 2}) {
  enum : int { go = 1, flood, bulk, nothing, end };
  constexpr int messages = 300'000;
  constexpr auto bound = 1s;
  Channel& world = self.world();
  const int senders = world.size() - 1;
  if (world.rank() != 0) {
    must_recv(world, 0, go);
    for (int i = 0; i < messages / senders; ++i) world.send(0, flood, Buffer{8}, patience);
    must_recv(world, 0, end);
    return;
  }
  Deadline::Clock::duration longest{};
  const auto timed = [&](const auto& call) {
    const auto start = Deadline::Clock::now();
    call();
    longest = std::max(longest, Deadline::Clock::now() - start);
  };
  world.send(1, bulk, Buffer{std::size_t{60} << 20}, patience);
  for (int other = 1; other < world.size(); ++other) world.send(other, go, Buffer{}, patience);
  std::this_thread::sleep_for(300ms);
  const Deadline last = 1500ms;
  while (!last.expired()) {
    timed([&] { EXPECT(!world.recv(any_source, nothing, 10ms)); });
    timed([&] { EXPECT(!world.recv(1, nothing, Deadline::poll())); });
    timed([&] {
      EXPECT_THROWS(rankwire::Timeout, world.send(1, bulk, Buffer{std::size_t{10} << 20}, 10ms));
    });
    timed([&] { EXPECT(!world.departure(1)); });
  }
  EXPECT(longest < bound);
  for (int i = 0; i < messages / senders * senders; ++i) must_recv(world, any_source, flood);
  for (int other = 1; other < world.size(); ++other) world.send(other, end, Buffer{}, patience);
}

/// Work of its own, not time that passes: that is up to the machine.
CONFORMANCE_CASE("7: a call takes in little at once, however much arrives", Needs{.ranks_min = 2}) {
  enum : int { flood = 1, nothing, end };
  constexpr int messages = 60'000;
  constexpr std::size_t bytes = 5'000;  // as many as MPI sends at once over TCP, and small
  constexpr auto bound = 100ms;
  Channel& world = self.world();
  const int senders = world.size() - 1;
  if (world.rank() != 0) {
    for (int i = 0; i < messages / senders; ++i) world.send(0, flood, Buffer{bytes}, patience);
    must_recv(world, 0, end);
    return;
  }
  std::chrono::nanoseconds longest{};
  const auto worked = [&](const auto& call) {
    const auto start = cpu_time_of_thread();
    call();
    longest = std::max(longest, cpu_time_of_thread() - start);
  };
  std::this_thread::sleep_for(300ms);  // the windows fill
  const Deadline last = 1s;
  while (!last.expired()) {
    worked([&] { EXPECT(!world.recv(any_source, nothing, 10ms)); });
    worked([&] { EXPECT(!world.recv(1, nothing, Deadline::poll())); });
  }
  for (int left = messages / senders * senders; left > 0;) {
    std::optional<Message> message;
    worked([&] { message = world.recv(any_source, flood, Deadline::poll()); });
    if (message) --left;
  }
  EXPECT(longest < bound);
  for (int other = 1; other < world.size(); ++other) world.send(other, end, Buffer{}, patience);
}

CONFORMANCE_CASE("7: a poll finds what has come before, behind many others",
                 Needs{.ranks_min = 2}) {
  enum : int { flood = 1, last, end };
  constexpr int messages = 20'000;
  Channel& world = self.world();
  if (world.rank() == 1) {
    for (int i = 0; i < messages; ++i) world.send(0, flood, Buffer{8}, patience);
    world.send(0, last, Buffer{}, patience);
    must_recv(world, 0, end);
  }
  if (world.rank() == 0) {
    const Deadline limit = patience;
    while (!world.recv(1, last, Deadline::poll())) EXPECT(!limit.expired());
    for (int i = 0; i < messages; ++i) must_recv(world, 1, flood);
    world.send(1, end, Buffer{}, patience);
  }
}

namespace {

Settings small_window() {
  Settings settings;
  settings.window_bytes = 64 << 10;
  return settings;
}

}  // namespace

CONFORMANCE_CASE("7: a send that waits for long says so, once",
                 Needs{.ranks_min = 2, .ranks_max = 2, .settings = small_window()}) {
  enum : int { data = 1, end };
  Channel& world = self.world();
  if (world.rank() == 1) {
    while (!world.recv(0, end, 50ms)) {
    }
    must_recv(world, 0, data);
  }
  if (world.rank() != 0) return;
  std::ostringstream said;
  const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(said);
  auto& sinks = rankwire::log().sinks();
  sinks.push_back(sink);
  world.send(1, data, Buffer{60'000}, patience);
  std::string failure;
  try {
    world.send(1, data, Buffer{6'000}, 7s);
  } catch (const rankwire::Timeout& error) {
    failure = error.what();
  }
  sinks.pop_back();
  EXPECT(failure.find("60064 of a window of 65536 bytes") != std::string::npos);
  const std::string lines = said.str();
  const std::string words = "rank 0: has waited 5 s for room to send 6000 bytes to rank 1";
  EXPECT(lines.find(words) != std::string::npos);
  EXPECT(lines.find(words) == lines.rfind(words));
  EXPECT(lines.find("60064 of a window of 65536 bytes (--window)") != std::string::npos);
  world.send(1, end, Buffer{}, patience);
}

}  // namespace conformance
