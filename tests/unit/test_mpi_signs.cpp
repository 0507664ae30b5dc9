#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <vector>

#include "signs.hpp"

using namespace rankwire::mpi;
using namespace std::chrono_literals;

namespace {

/// A rank with its time. (Who is lost when: test_hearing.cpp.)
struct Rank {
  Rank(int self, int size, Signs::Duration grace) : signs{self, size, grace} { signs.look(now); }

  /// Lets `time` pass, with a look each 25 ms. Adds who was lost.
  void pass(Signs::Duration time) {
    for (Signs::Duration passed{}; passed < time; passed += 25ms) {
      now += 25ms;
      signs.look(now);
      if (signs.due()) ++sent;
      signs.answer([this](int rank) { ++answers[rank]; });
      signs.find_silent([](int) { return 0; }, [](int) { return 0s; },
                        [this](int rank) { lost.push_back(rank); });
    }
  }

  Signs signs;
  Signs::Time now{1h};
  std::map<int, int> answers;
  int sent = 0;
  std::vector<int> lost;
};

}  // namespace

TEST_CASE("signs: rank 0 loses who is silent for the grace, from the start on") {
  Rank master{0, 4, 2s};
  master.signs.silence(3);
  master.pass(1900ms);
  CHECK(master.lost.empty());
  master.signs.sign(2);
  master.pass(400ms);
  CHECK(master.lost == std::vector{1});
}

TEST_CASE("signs: the others lose rank 0, and nobody else") {
  Rank worker{2, 4, 2s};
  worker.signs.sign(1);  // nobody sends it
  worker.pass(1900ms);
  CHECK(worker.lost.empty());
  worker.pass(400ms);
  CHECK(worker.lost == std::vector{0});
}

TEST_CASE("signs: one a second, four in a short grace; rank 0 answers each once") {
  Rank worker{1, 3, 15s};
  worker.pass(10s);
  CHECK(worker.sent >= 9);
  CHECK(worker.sent <= 11);
  Rank hasty{1, 3, 1s};
  hasty.pass(10s);
  CHECK(hasty.sent >= 39);
  CHECK(hasty.sent <= 41);

  Rank master{0, 3, 15s};
  master.signs.sign(2);
  master.signs.sign(2);  // both came in one look
  master.pass(10s);
  CHECK(master.answers == std::map<int, int>{{2, 1}});
  CHECK(master.sent == 0);
}
