#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <vector>

#include "signs.hpp"

using namespace rankwire::mpi;
using namespace std::chrono_literals;

namespace {

/// A rank with its time and what has come to it.
struct Watcher {
  Watcher(int self, int size, Signs::Duration grace) : signs{self, size, grace} { signs.look(now); }

  /// Lets `time` pass, with a look each 25 ms. Adds who was lost.
  void pass(Signs::Duration time) {
    for (Signs::Duration passed{}; passed < time; passed += 25ms) look_after(25ms);
  }
  void look_after(Signs::Duration time) {
    now += time;
    signs.look(now);
    if (signs.due()) ++sent;
    signs.answer([this](int rank) { ++answers[rank]; });
    signs.find_silent([this](int rank) { return come[rank]; }, [this](int) { return more; },
                      [this](int rank) { lost.push_back(rank); });
  }

  Signs signs;
  Signs::Time now{1h};
  Signs::Duration more{};
  std::map<int, std::uint64_t> come;
  std::map<int, int> answers;
  int sent = 0;
  std::vector<int> lost;
};

}  // namespace

TEST_CASE("signs: rank 0 loses who is silent for the grace, once") {
  Watcher master{0, 4, 15s};
  for (const int rank : {1, 2, 3}) master.signs.sign(rank);
  for (int second = 0; second < 14; ++second) {
    master.pass(1s);
    for (const int rank : {1, 3}) master.signs.sign(rank);
  }
  CHECK(master.lost.empty());
  master.pass(1500ms);
  CHECK(master.lost == std::vector{2});
  master.signs.sign(1);
  master.signs.sign(3);
  master.pass(14s);
  CHECK(master.lost == std::vector{2});
}

TEST_CASE("signs: the others lose rank 0, and nobody else") {
  Watcher worker{2, 4, 2s};
  worker.signs.sign(0);
  worker.signs.sign(1);  // nobody sends it
  worker.pass(1900ms);
  CHECK(worker.lost.empty());
  worker.pass(400ms);
  CHECK(worker.lost == std::vector{0});
}

TEST_CASE("signs: who has given none is not watched, nor who fell silent, until its next") {
  Watcher master{0, 3, 1s};
  master.signs.sign(2);
  master.signs.silence(2);
  master.pass(10s);
  CHECK(master.lost.empty());
  master.signs.sign(2);
  master.pass(2s);
  CHECK(master.lost == std::vector{2});
}

TEST_CASE("signs: whatever comes counts as one") {
  Watcher master{0, 2, 1s};
  master.signs.sign(1);
  for (int i = 0; i < 10; ++i) {
    ++master.come[1];
    master.pass(800ms);
  }
  CHECK(master.lost.empty());
  master.pass(1s);
  CHECK(master.lost == std::vector{1});
}

TEST_CASE("signs: a rank that is large with payloads has longer") {
  Watcher master{0, 2, 1s};
  master.more = 5s;
  master.signs.sign(1);
  master.pass(5s);
  CHECK(master.lost.empty());
  master.pass(2s);
  CHECK(master.lost == std::vector{1});
}

TEST_CASE("signs: time in which a rank did not look is not the silence of others") {
  Watcher master{0, 2, 2s};
  master.signs.sign(1);
  master.pass(500ms);
  master.look_after(1h);  // it was stopped
  CHECK(master.lost.empty());
  master.pass(500ms);  // reads what lies there
  master.signs.sign(1);
  master.look_after(1h);
  CHECK(master.lost.empty());
  for (int i = 0; i < 8; ++i) master.look_after(1s);  // the machine is busy
  CHECK(master.lost.empty());
  master.pass(3s);
  CHECK(master.lost == std::vector{1});
}

TEST_CASE("signs: one a second, four in a short grace; rank 0 answers each once") {
  Watcher worker{1, 3, 15s};
  worker.pass(10s);
  CHECK(worker.sent >= 9);
  CHECK(worker.sent <= 11);
  Watcher hasty{1, 3, 1s};
  hasty.pass(10s);
  CHECK(hasty.sent >= 39);
  CHECK(hasty.sent <= 41);

  Watcher master{0, 3, 15s};
  master.signs.sign(2);
  master.signs.sign(2);  // both came in one look
  master.pass(10s);
  CHECK(master.answers == std::map<int, int>{{2, 1}});
  CHECK(master.sent == 0);
}
