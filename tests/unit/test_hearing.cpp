#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <vector>

#include "rankwire/backend/hearing.hpp"

using namespace std::chrono_literals;
using rankwire::Hearing;

namespace {

/// A rank with its time and what has come to it.
struct Watcher {
  Watcher(int ranks, Hearing::Duration limit) : hearing{ranks, limit, 100ms, 100ms} {
    hearing.look(now);
  }

  /// Lets `time` pass, with a look each 25 ms. Adds who was lost.
  void pass(Hearing::Duration time) {
    for (Hearing::Duration passed{}; passed < time; passed += 25ms) look_after(25ms);
  }
  void look_after(Hearing::Duration time) {
    now += time;
    hearing.look(now);
    hearing.find_silent([this](int rank) { return come[rank]; }, [this](int) { return more; },
                        [this](int rank) { lost.push_back(rank); });
  }

  Hearing hearing;
  Hearing::Time now{1h};
  Hearing::Duration more{};
  std::map<int, std::uint64_t> come;
  std::vector<int> lost;
};

}  // namespace

TEST_CASE("hearing: who is silent for longer than the limit is lost, once") {
  Watcher watcher{4, 15s};
  for (const int rank : {1, 2, 3}) watcher.hearing.sign(rank);
  for (int second = 0; second < 14; ++second) {
    watcher.pass(1s);
    for (const int rank : {1, 3}) watcher.hearing.sign(rank);
  }
  CHECK(watcher.lost.empty());
  watcher.pass(1500ms);
  CHECK(watcher.lost == std::vector{2});
  watcher.hearing.sign(1);
  watcher.hearing.sign(3);
  watcher.pass(14s);
  CHECK(watcher.lost == std::vector{2});
}

TEST_CASE("hearing: who has given no sign is not watched, nor who fell silent, until its next") {
  Watcher watcher{3, 1s};
  watcher.hearing.sign(2);
  watcher.hearing.silence(2);
  watcher.hearing.sign(3);  // no such rank
  watcher.hearing.silence(3);
  watcher.pass(10s);
  CHECK(watcher.lost.empty());
  watcher.hearing.sign(2);
  watcher.pass(2s);
  CHECK(watcher.lost == std::vector{2});
}

TEST_CASE("hearing: whatever comes counts as a sign") {
  Watcher watcher{2, 1s};
  watcher.hearing.sign(1);
  for (int i = 0; i < 10; ++i) {
    ++watcher.come[1];
    watcher.pass(800ms);
  }
  CHECK(watcher.lost.empty());
  watcher.pass(1s);
  CHECK(watcher.lost == std::vector{1});
}

TEST_CASE("hearing: a rank that may be silent for longer has longer") {
  Watcher watcher{2, 1s};
  watcher.more = 5s;
  watcher.hearing.sign(1);
  watcher.pass(5s);
  CHECK(watcher.lost.empty());
  watcher.pass(2s);
  CHECK(watcher.lost == std::vector{1});
}

TEST_CASE("hearing: a way that breaks again and again is a sign, as far as it was away") {
  Watcher watcher{2, 2s};
  watcher.hearing.sign(1);
  for (int i = 0; i < 10; ++i) {
    watcher.pass(100ms);
    watcher.hearing.went(1);
    watcher.pass(1s);
    watcher.hearing.came_back(1);
  }
  CHECK(watcher.lost.empty());
  watcher.pass(900ms);  // it stands, and nothing comes
  CHECK(watcher.lost.empty());
  watcher.pass(200ms);
  CHECK(watcher.lost == std::vector{1});
}

TEST_CASE("hearing: a way that breaks and does not come back is none") {
  Watcher watcher{2, 2s};
  watcher.hearing.sign(1);
  watcher.pass(500ms);
  watcher.hearing.went(1);
  watcher.pass(1s);
  watcher.hearing.sign(1);  // it was under way
  watcher.pass(1900ms);
  CHECK(watcher.lost.empty());
  watcher.hearing.came_back(1);
  watcher.pass(1900ms);
  CHECK(watcher.lost.empty());
  watcher.hearing.went(1);
  watcher.pass(200ms);
  CHECK(watcher.lost == std::vector{1});
}

TEST_CASE("hearing: time in which a rank did not look is not the silence of others") {
  Watcher watcher{2, 2s};
  watcher.hearing.sign(1);
  watcher.pass(500ms);
  watcher.look_after(1h);  // it was stopped
  CHECK(watcher.lost.empty());
  watcher.pass(500ms);  // reads what lies there
  watcher.hearing.sign(1);
  watcher.look_after(1h);
  CHECK(watcher.lost.empty());
  for (int i = 0; i < 8; ++i) watcher.look_after(1s);  // the machine is busy
  CHECK(watcher.lost.empty());
  watcher.pass(3s);
  CHECK(watcher.lost == std::vector{1});
}
