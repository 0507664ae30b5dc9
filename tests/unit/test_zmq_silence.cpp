#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "sockets/silence.hpp"
#include "zmq_port.hpp"

using namespace std::chrono_literals;
using rankwire::zmq_wire::Silence;
using zmq_world::Port;
using zmq_world::Visit;

namespace {

constexpr auto limit = 200ms;

/// Looks for this long, which is more than once within the limit.
template <class Meanwhile>
void look_for(Silence& silence, std::chrono::milliseconds duration, const Meanwhile& meanwhile) {
  const rankwire::Deadline end{duration};
  while (!end.expired()) {
    meanwhile();
    silence.look();
    std::this_thread::sleep_for(10ms);
  }
}
void look_for(Silence& silence, std::chrono::milliseconds duration) {
  look_for(silence, duration, [] {});
}

}  // namespace

TEST_CASE("silence: a connection over which nothing comes is ended, another is not") {
  const Port port;
  const Visit silent{port}, other{port}, forgotten{port};
  Silence silence;
  silence.watch(silent.descriptor, limit);
  silence.watch(forgotten.descriptor, limit);
  silence.watch(other.descriptor, 1h);
  silence.forget(forgotten.descriptor);
  look_for(silence, 3 * limit);
  CHECK(silent.stranger.is_hung_up(10s));
  CHECK(!other.stranger.is_hung_up(1s));
  CHECK(!forgotten.stranger.is_hung_up(1s));
}

TEST_CASE("silence: who says something from time to time is not silent") {
  const Port port;
  const Visit slow{port};
  Silence silence;
  constexpr auto long_limit = 2s;  // longer than this machine may keep a thread waiting
  silence.watch(slow.descriptor, long_limit);
  look_for(silence, long_limit + 1s, [&] { CHECK(slow.stranger.write("x")); });
  CHECK(!slow.stranger.is_hung_up(1s));
}

// A stopped process: its system takes what is sent for as long as there is room.
TEST_CASE("silence: who says nothing is silent, though its system takes what is sent") {
  const Port port;
  const Visit stopped{port};
  Silence silence;
  silence.watch(stopped.descriptor, limit);
  const std::string some(8192, 'x');
  look_for(silence, 4 * limit, [&] {
    (void)!::send(stopped.descriptor, some.data(), some.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  CHECK(stopped.stranger.is_hung_up(1s));
}

// One large frame that takes long is many bytes.
TEST_CASE("silence: who says much, slowly, is not silent though it takes nothing in") {
  const Port port;
  const Visit slow{port};
  Silence silence;
  constexpr auto long_limit = 2s;
  silence.watch(slow.descriptor, long_limit);
  const std::string much(1 << 16, 'x');
  while (::send(slow.descriptor, much.data(), much.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
  }
  look_for(silence, long_limit + 1s, [&] { CHECK(slow.stranger.write("part of a frame")); });
  CHECK(!slow.stranger.is_hung_up(1s));
}

TEST_CASE("silence: a number that another connection has now is left alone") {
  const Port port;
  auto gone = std::make_unique<Visit>(port);
  const int number = gone->descriptor;
  Silence silence;
  silence.watch(number, limit);
  const Visit other{port};
  REQUIRE(dup2(other.descriptor, number) == number);
  look_for(silence, 3 * limit);
  CHECK(!other.stranger.is_hung_up(1s));
}
