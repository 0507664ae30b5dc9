#include <doctest/doctest.h>

#include <memory>
#include <thread>

#include "sockets/doorman.hpp"
#include "zmq_port.hpp"

using namespace std::chrono_literals;
using rankwire::zmq_wire::Doorman;
using zmq_world::Port;
using zmq_world::Visit;

namespace {

/// How many it shows out before it has looked often enough.
std::uint64_t looks(Doorman& doorman, int looks_min = 3) {
  std::uint64_t shown_out = 0, sweeps = 1;
  for (int look = 0; look < looks_min; ++look) {
    shown_out += doorman.look(sweeps += 2);
    std::this_thread::sleep_for(110ms);
  }
  return shown_out;
}

constexpr Doorman::Limits generous{.stay = 1h, .strangers = 100, .bytes = 1000};

}  // namespace

TEST_CASE("doorman: who stays too long without a word is shown out, who was let in is not") {
  const Port port;
  const Visit stranger{port};
  const Visit rank{port};
  Doorman doorman{{.stay = 1ms, .strangers = 100, .bytes = 1000}};
  doorman.came(stranger.descriptor);
  doorman.came(rank.descriptor);
  doorman.forget(rank.descriptor);
  std::this_thread::sleep_for(5ms);
  CHECK(looks(doorman) == 1);
  CHECK(stranger.stranger.is_hung_up(10s));
  CHECK(!rank.stranger.is_hung_up(1s));
}

TEST_CASE("doorman: who says too much before it is let in is shown out") {
  const Port port;
  const Visit loud{port};
  const Visit quiet{port};
  Doorman doorman{generous};
  doorman.came(loud.descriptor);
  doorman.came(quiet.descriptor);
  const Visit unread{port};
  doorman.came(unread.descriptor);
  const auto says = [](const Visit& visit, std::size_t bytes) {
    CHECK(visit.stranger.write(std::string(bytes, 'x')));
    std::string heard(bytes, '\0');
    REQUIRE(::recv(visit.descriptor, heard.data(), bytes, MSG_WAITALL) ==
            static_cast<ssize_t>(bytes));
  };
  says(loud, 1001);
  says(quiet, 1000);
  CHECK(unread.stranger.write(std::string(5000, 'x')));  // may begin with its word
  CHECK(looks(doorman) == 1);
  CHECK(loud.stranger.is_hung_up(10s));
}

TEST_CASE("doorman: of too many the oldest go") {
  const Port port;
  std::vector<std::unique_ptr<Visit>> visits;
  Doorman doorman{{.stay = 1h, .strangers = 2, .bytes = 1000}};
  for (int i = 0; i < 5; ++i) {
    visits.push_back(std::make_unique<Visit>(port));
    doorman.came(visits.back()->descriptor);
  }
  CHECK(looks(doorman) == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(visits[i]->stranger.is_hung_up(10s));
  CHECK(!visits[3]->stranger.is_hung_up(1s));
}

TEST_CASE("doorman: a number that another connection has now is left alone") {
  const Port port;
  auto gone = std::make_unique<Visit>(port);
  const int number = gone->descriptor;
  Doorman doorman{{.stay = 1ms, .strangers = 100, .bytes = 1000}};
  doorman.came(number);
  Visit other{port};
  REQUIRE(dup2(other.descriptor, number) == number);
  std::this_thread::sleep_for(5ms);
  looks(doorman);
  CHECK(!other.stranger.is_hung_up(1s));
}
