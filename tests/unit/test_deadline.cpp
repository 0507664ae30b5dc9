#include <doctest/doctest.h>

#include <chrono>
#include <limits>

#include "rankwire/deadline.hpp"

using namespace std::chrono_literals;
using rankwire::Deadline;

TEST_CASE("deadline: never and poll are what they say") {
  CHECK(Deadline::never().is_never());
  CHECK_FALSE(Deadline::never().expired());
  CHECK(Deadline::never().remaining() == Deadline::Clock::duration::max());
  CHECK(Deadline::poll().is_poll());
  CHECK(Deadline::poll().expired());
  CHECK(Deadline::poll().remaining() == Deadline::Clock::duration::zero());
}

TEST_CASE("deadline: zero and negative durations poll") {
  CHECK(Deadline{0s}.is_poll());
  CHECK(Deadline{-1ns}.is_poll());
  CHECK(Deadline{std::chrono::hours::min()}.is_poll());
  CHECK(Deadline{std::chrono::duration<double>{-0.0}}.is_poll());
}

TEST_CASE("deadline: durations too long for the clock are never") {
  CHECK(Deadline{std::chrono::hours::max()}.is_never());
  CHECK(Deadline{std::chrono::nanoseconds::max()}.is_never());
  CHECK(Deadline{std::chrono::years{101}}.is_never());
  CHECK(
      Deadline{std::chrono::duration<double>{std::numeric_limits<double>::infinity()}}.is_never());
  CHECK(Deadline{std::chrono::duration<double>{1e300}}.is_never());
}

TEST_CASE("deadline: a duration that is no number polls") {
  CHECK(
      Deadline{std::chrono::duration<double>{std::numeric_limits<double>::quiet_NaN()}}.is_poll());
}

TEST_CASE("deadline: counts from the conversion") {
  const auto before = Deadline::Clock::now();
  const Deadline deadline{std::chrono::hours{24 * 365}};
  CHECK(deadline.moment() >= before + std::chrono::hours{24 * 365});
  CHECK_FALSE(deadline.expired());
  CHECK_FALSE(deadline.is_never());
  CHECK_FALSE(deadline.is_poll());
  CHECK(deadline.remaining() > std::chrono::hours{1});
  CHECK(deadline.remaining() <= std::chrono::hours{24 * 365});
}

TEST_CASE("deadline: a moment in the past has expired and has no time left") {
  const auto past = Deadline::at(Deadline::Clock::now() - 1s);
  CHECK(past.expired());
  CHECK_FALSE(past.is_poll());
  CHECK(past.remaining() == Deadline::Clock::duration::zero());
}

TEST_CASE("deadline: sooner is the earlier one, either way round") {
  const Deadline hour{1h};
  const Deadline minute{1min};
  CHECK(hour.sooner(minute).moment() == minute.moment());
  CHECK(minute.sooner(hour).moment() == minute.moment());
  CHECK(Deadline::never().sooner(hour).moment() == hour.moment());
  CHECK(Deadline::poll().sooner(hour).is_poll());
  CHECK(hour.sooner(Deadline::poll()).is_poll());
}
