#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <climits>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "rankwire/backend/backend.hpp"
#include "rankwire/channel.hpp"
#include "rankwire/typed.hpp"

// One suite for every backend. A case is a function that every rank of a world runs; the harness of
// a backend (harness_*.cpp) opens the world, runs it on all ranks that live in its process and
// reports what failed. A case's name begins with the number of its clause of channel.hpp.

namespace conformance {

using namespace std::chrono_literals;
using rankwire::any_source;
using rankwire::any_tag;
using rankwire::Buffer;
using rankwire::Channel;
using rankwire::Deadline;
using rankwire::Message;
using rankwire::Settings;

/// Bounds every wait of a case that is expected to end well; generous, for slow machines.
inline constexpr auto patience = 60s;

/// What a case gets: its end of the world, which it may drop to play a dead rank.
struct Rank {
  std::unique_ptr<Channel> channel;
  [[nodiscard]] Channel& world() const { return *channel; }
};

using Body = std::function<void(Rank&)>;

/// What a case needs of the world it runs in.
struct Needs {
  int ranks_min = 1;
  int ranks_max = INT_MAX;  ///< of what takes long, and shows nothing more with more of them
  Settings settings{};      ///< transport, ranks and addresses are filled by the harness
};

/// The backend's part, one definition for each test program.
struct Harness {
  virtual ~Harness() = default;
  [[nodiscard]] virtual int ranks() const = 0;
  /// Runs `body` on every rank of a new world of ranks() and returns one line for each rank of this
  /// process that failed. Closes every channel that a body left open, serving until all are gone.
  [[nodiscard]] virtual std::vector<std::string> run(const Settings& settings,
                                                     const Body& body) = 0;
  /// Whether Channel::abort ends the process rather than the waits (MPI).
  [[nodiscard]] virtual bool abort_ends_processes() const { return false; }
  /// Whether all ranks are threads of this process.
  [[nodiscard]] virtual bool ranks_share_memory() const { return true; }
  /// Joins the running world in the place of `rank`, which departed (clause 14).
  [[nodiscard]] virtual std::unique_ptr<Channel> open_newcomer(const Settings&, int) {
    throw std::logic_error{"this harness knows no newcomers"};
  }
};
[[nodiscard]] Harness& harness();

/// Runs one case on the harness; a world too small for it is a skip that says so.
void run_case(const char* name, const Needs& needs, const Body& body);

/// Runs `body` and closes, on one rank; gives the line that says what failed, or nothing.
std::string run_rank(std::unique_ptr<Channel> channel, const Body& body);

struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void expect(bool holds, const char* text, const char* file, int line) {
  if (!holds) throw Failure{fmt::format("{}:{}: not so: {}", file, line, text)};
}

template <class A, class B>
void expect_equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (!(a == b)) throw Failure{fmt::format("{}:{}: {}: {} is not {}", file, line, text, a, b)};
}

/// Calls `act` and gives back the exception of type E that it must throw.
template <class E, class F>
E expect_throw(F&& act, const char* text, const char* file, int line) {
  try {
    act();
  } catch (const E& error) {
    return error;
  } catch (const std::exception& error) {
    throw Failure{
        fmt::format("{}:{}: {}: threw something else: {}", file, line, text, error.what())};
  }
  throw Failure{fmt::format("{}:{}: {}: threw nothing", file, line, text)};
}

/// `size` bytes that tell their place and their seed.
Buffer pattern(std::size_t size, unsigned seed);
bool same(const Buffer& a, const Buffer& b);

/// A message that must come.
inline Message must_recv(Channel& world, int source, int tag) {
  auto message = world.recv(source, tag, patience);
  if (!message) {
    throw Failure{fmt::format("rank {}: no message from {} with tag {} within {} s", world.rank(),
                              source, tag, patience.count())};
  }
  return std::move(*message);
}

}  // namespace conformance

#define EXPECT(expression) ::conformance::expect((expression), #expression, __FILE__, __LINE__)
#define EXPECT_EQUAL(a, b) ::conformance::expect_equal((a), (b), #a " == " #b, __FILE__, __LINE__)
#define EXPECT_THROWS(E, expression) \
  ::conformance::expect_throw<E>([&] { (void)(expression); }, #expression, __FILE__, __LINE__)

#define RANKWIRE_CASE_2(id, name, ...)              \
  static void id(::conformance::Rank& self);        \
  TEST_CASE(name) {                                 \
    ::conformance::run_case(name, __VA_ARGS__, id); \
  }                                                 \
  static void id(::conformance::Rank& self)
#define RANKWIRE_CASE_1(counter, name, ...) \
  RANKWIRE_CASE_2(conformance_case_##counter, name, __VA_ARGS__)
#define RANKWIRE_CASE_0(counter, name, ...) RANKWIRE_CASE_1(counter, name, __VA_ARGS__)
/// CONFORMANCE_CASE("3: what must hold", Needs{...}) { ... self.world() ... }
#define CONFORMANCE_CASE(name, ...) RANKWIRE_CASE_0(__COUNTER__, name, __VA_ARGS__)
