// Waits that end. Rank 0 works while the others do, and looks between two pieces of its work
// whether an answer has come; then it waits for the rest, all within one deadline, and goes on
// without who is late: in `deadlines -n 4` that is rank 2. Workers look whether they are to stop.

#include <chrono>
#include <cstdio>
#include <map>
#include <rankwire/rankwire.hpp>
#include <thread>

namespace {

using namespace std::chrono_literals;
using rankwire::Deadline;

constexpr int answer_tag = 1, stop_tag = 2;
constexpr int late_rank = 2, pieces = 20, pieces_of_late = 1'000'000;

void work() {
  std::this_thread::sleep_for(10ms);
}

/// To a rank that may have left meanwhile: what comes too late there is wanted no more.
void send_if_there(rankwire::Channel& world, int rank, int tag, int value) {
  try {
    rankwire::send(world, rank, tag, value);
  } catch (const rankwire::PeerLeft&) {
  }
}

void worker(rankwire::Channel& world) {
  const int count = world.rank() == late_rank ? pieces_of_late : pieces;
  for (int i = 0; i < count; ++i) {
    work();
    if (rankwire::try_recv<int>(world, 0, stop_tag, Deadline::poll())) return;
  }
  send_if_there(world, 0, answer_tag, world.rank() * 100);
}

void master(rankwire::Channel& world) {
  std::map<int, int> answers;
  // Takes one answer, if one is missing and comes before the deadline.
  const auto take = [&](Deadline deadline) {
    if (std::ssize(answers) == world.size() - 1) return false;
    const auto answer =
        rankwire::try_recv_from<int>(world, rankwire::any_source, answer_tag, deadline);
    if (answer) answers[answer->source] = answer->value;
    return answer.has_value();
  };
  for (int i = 0; i < pieces; ++i) {
    work();
    while (take(Deadline::poll())) continue;
  }
  std::printf("rank 0 has done its own work\n");

  const Deadline enough{3s};  // a moment, not a duration: every wait until then is a shorter one
  while (take(enough)) continue;
  for (int worker = 1; worker < world.size(); ++worker) {
    if (const auto answer = answers.find(worker); answer != answers.end()) {
      std::printf("rank %d answers %d\n", worker, answer->second);
    } else {
      std::printf("rank %d is late\n", worker);
      send_if_there(world, worker, stop_tag, 0);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    world.rank() == 0 ? master(world) : worker(world);
  });
}
