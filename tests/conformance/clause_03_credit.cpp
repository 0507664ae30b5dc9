#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "harness.hpp"
#include "rankwire/backend/window.hpp"

// Clause 3 at the receiver's end: what its program has taken makes room, however little it is, and
// whatever the program does next.

namespace conformance {
namespace {

enum : int { data = 1, more, go, noise, end };

constexpr std::size_t window = 1 << 20;
constexpr std::size_t part = window * 15 / 64, rest = window * 10 / 64;

Settings with_window(std::size_t bytes) {
  Settings settings;
  settings.window_bytes = bytes;
  return settings;
}

/// Rank 0 fills most of the window to rank 1, which takes a part of less than a quarter. With that
/// there is room for more, without it there is not.
void fill(Channel& world) {
  for (int i = 0; i < 4; ++i) world.send(1, data, Buffer{part}, patience);
  must_recv(world, 1, go);
  world.send(1, more, Buffer{rest}, patience);
}
void take_a_part(Channel& world) {
  must_recv(world, 0, data);
  world.send(0, go, Buffer{}, patience);
}

}  // namespace

CONFORMANCE_CASE("3: what was received makes room, before the receiver sleeps",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  if (world.rank() == 0) fill(world);
  if (world.rank() != 1) return;
  take_a_part(world);
  EXPECT_EQUAL(must_recv(world, 0, more).payload.size(), rest);
}

CONFORMANCE_CASE("3: the same for little, taken again and again",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  constexpr std::size_t little = window / 64;
  constexpr int fits = static_cast<int>(window / (little + 64));
  if (world.rank() == 0) {
    for (int i = 0; i < fits; ++i) world.send(1, data, Buffer{little}, patience);
    for (int i = 0; i < 50; ++i) {
      must_recv(world, 1, go);
      world.send(1, data, Buffer{little}, patience);
    }
    must_recv(world, 1, end);
  }
  if (world.rank() == 1) {
    for (int i = 0; i < 50; ++i) {
      take_a_part(world);
      EXPECT(!world.recv(0, noise, 1ms));
    }
    for (int i = 0; i < fits; ++i) must_recv(world, 0, data);  // the last of them is on its way
    world.send(0, end, Buffer{}, patience);
  }
}

CONFORMANCE_CASE("3: what was received makes room while the receiver polls for something else",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  if (world.rank() == 0) fill(world);
  if (world.rank() != 1) return;
  take_a_part(world);
  const Deadline limit = patience;
  while (!world.recv(0, more, Deadline::poll())) EXPECT(!limit.expired());
}

CONFORMANCE_CASE("3: what was received makes room while the receiver asks for departures only",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    fill(world);
    world.close(patience);
  }
  if (world.rank() != 1) return;
  take_a_part(world);
  const Deadline limit = patience;
  while (!world.departure(0)) {
    EXPECT(!limit.expired());
    std::this_thread::sleep_for(1ms);
  }
}

CONFORMANCE_CASE("3: what was received makes room while the receiver only sends",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    fill(world);
    world.close(patience);
  }
  if (world.rank() != 1) return;
  take_a_part(world);
  const Deadline limit = patience;
  bool left = false;
  while (!left && !limit.expired()) {
    try {
      world.send(0, noise, Buffer{}, 1ms);
    } catch (const rankwire::Timeout&) {
    } catch (const rankwire::PeerLeft&) {
      left = true;
    }
  }
  EXPECT(left);
}

CONFORMANCE_CASE("3: however little was received, all of the window is there for who waits",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  constexpr std::size_t little = window / 128;
  constexpr auto fits = window / (little + 64);
  if (world.rank() == 0) {
    for (int i = 0; i < 7; ++i) world.send(1, data, Buffer{little}, patience);
    must_recv(world, 1, go);
    std::this_thread::sleep_for(300ms);
    for (std::size_t i = 0; i < fits; ++i) world.send(1, more, Buffer{little}, 1s);
    world.send(1, end, Buffer{}, patience);
  }
  if (world.rank() == 1) {
    for (int i = 0; i < 7; ++i) must_recv(world, 0, data);
    world.send(0, go, Buffer{}, patience);
    EXPECT(!world.recv(0, noise, 200ms));
    std::this_thread::sleep_for(1500ms);  // computes
    for (std::size_t i = 0; i < fits; ++i) must_recv(world, 0, more);
    must_recv(world, 0, end);
  }
}

CONFORMANCE_CASE("3: a sixteenth of the window makes room at once, while the receiver computes",
                 Needs{.ranks_min = 2, .settings = with_window(window)}) {
  Channel& world = self.world();
  if (world.rank() == 0) {
    for (int i = 0; i < 4; ++i) world.send(1, data, Buffer{part}, patience);
    must_recv(world, 1, go);
    world.send(1, more, Buffer{rest}, 2s);
  }
  if (world.rank() == 1) {
    take_a_part(world);
    std::this_thread::sleep_for(2500ms);
    must_recv(world, 0, more);
  }
}

CONFORMANCE_CASE("3: what a rank receives of its own makes room at once",
                 Needs{.settings = with_window(window)}) {
  Channel& world = self.world();
  const int me = world.rank();
  for (int i = 0; i < 4; ++i) world.send(me, data, Buffer{part});
  EXPECT_THROWS(rankwire::Timeout, world.send(me, data, Buffer{rest}));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQUAL(must_recv(world, me, data).payload.size(), part);
    world.send(me, data, Buffer{part}, Deadline::poll());
  }
}

namespace {

/// Clause 3 in a few lines.
struct Model {
  std::uint64_t window = 0, outstanding = 0;
  std::deque<std::size_t> queue{};

  [[nodiscard]] static std::uint64_t cost(std::size_t payload) { return payload + 64; }
  [[nodiscard]] bool has_room(std::size_t payload) const {
    return outstanding < window / 4 || outstanding + cost(payload) <= window;
  }
  void send(std::size_t payload) {
    queue.push_back(payload);
    outstanding += cost(payload);
  }
  std::size_t receive() {
    const std::size_t payload = queue.front();
    queue.pop_front();
    outstanding -= cost(payload);
    return payload;
  }
};

/// A sends, B receives; both make the same choices. In each step A sends, says that it has, where
/// there is room for that; then B receives some, and says that it has.
class Pair {
 public:
  Pair(Channel& world, std::size_t window_bytes, unsigned seed)
      : world_{world}, model_{window_bytes}, random_{seed} {}

  void step() {
    const auto payloads = some_payloads();
    Model after = model_;
    for (const std::size_t payload : payloads) {
      if (after.has_room(payload)) after.send(payload);
    }
    const bool says_so = after.has_room(0);
    for (const std::size_t payload : payloads) send(payload, says_so);
    if (says_so && sends()) world_.send(peer(), more, Buffer{}, patience);
    if (says_so && !sends()) must_recv(world_, peer(), more);
    receive(below(7));
  }
  void finish() { receive(model_.queue.size()); }
  [[nodiscard]] int peer() const { return sends() ? world_.rank() + 1 : world_.rank() - 1; }

 private:
  [[nodiscard]] bool sends() const { return world_.rank() % 2 == 0; }
  [[nodiscard]] std::size_t below(std::uint64_t limit) {
    return static_cast<std::size_t>(random_() % limit);
  }

  std::vector<std::size_t> some_payloads() {
    const std::uint64_t whole = model_.window;
    const std::array<std::uint64_t, 6> limits{1,         100,   whole / 16,
                                              whole / 4, whole, whole + whole / 2};
    std::vector<std::size_t> payloads(below(6));
    for (auto& payload : payloads) payload = below(limits[below(limits.size())] + 1);
    return payloads;
  }

  /// B may be ahead of an A that does not say when it has sent.
  void send(std::size_t payload, bool receiver_waits) {
    const bool room = model_.has_room(payload);
    if (room) {
      if (sends()) world_.send(peer(), data, Buffer{payload}, patience);
      model_.send(payload);
    } else if (sends() && receiver_waits) {
      EXPECT_THROWS(rankwire::Timeout,
                    world_.send(peer(), data, Buffer{payload}, Deadline::poll()));
    }
  }

  void receive(std::size_t messages) {
    for (messages = std::min(messages, model_.queue.size()); messages > 0; --messages) {
      const std::size_t payload = model_.receive();
      if (!sends()) EXPECT_EQUAL(must_recv(world_, peer(), data).payload.size(), payload);
    }
    if (sends()) must_recv(world_, peer(), go);
    if (!sends()) world_.send(peer(), go, Buffer{}, patience);
  }

  Channel& world_;
  Model model_;
  std::mt19937 random_;
};

void agree_with_model(Channel& world, std::size_t window_bytes, int steps) {
  for (unsigned seed = 1; seed <= 3; ++seed) {
    Pair pair{world, window_bytes, seed};
    if (pair.peer() >= world.size()) return;
    for (int step = 0; step < steps; ++step) pair.step();
    pair.finish();
  }
}

}  // namespace

#define AGREES_WITH_MODEL(name, bytes, steps)                                            \
  CONFORMANCE_CASE("3: random sends and receives find room as the clause says, " name,   \
                   Needs{.ranks_min = 2, .settings = with_window(std::size_t{bytes})}) { \
    agree_with_model(self.world(), std::size_t{bytes}, steps);                           \
  }
AGREES_WITH_MODEL("1 KiB", 1 << 10, 200)
AGREES_WITH_MODEL("4 KiB", 4 << 10, 200)
AGREES_WITH_MODEL("64 KiB", 64 << 10, 150)
AGREES_WITH_MODEL("1 MiB", 1 << 20, 60)
AGREES_WITH_MODEL("64 MiB", 64 << 20, 8)

}  // namespace conformance
