// A farm that outlives its workers. Channel::next tells rank 0 of results, and of ranks that are
// gone: it hands out their tasks again, and does them itself when nobody remains. Rank 1 leaves
// without a word as soon as it has a task: see `survive -n 4`. Over ZeroMQ, workers may be killed.

#include <chrono>
#include <cstdio>
#include <map>
#include <rankwire/rankwire.hpp>
#include <thread>
#include <variant>
#include <vector>

namespace {

constexpr int task_tag = 1, stop_tag = 2, result_tag = 3, tasks = 40;

int square(int task) {
  std::this_thread::sleep_for(std::chrono::milliseconds{100});  // it is hard work
  return task * task;
}

void worker(rankwire::Channel& world) {
  while (true) {
    const auto task = rankwire::recv_from<int>(world, 0, rankwire::any_tag);
    if (task.tag == stop_tag || world.rank() == 1) return;
    rankwire::send(world, 0, result_tag, square(task.value));
  }
}

/// To a worker that may be gone: then nothing is sent, and `next` will say so.
void try_send(rankwire::Channel& world, int worker, int tag, int task) {
  try {
    rankwire::send(world, worker, tag, task);
  } catch (const rankwire::PeerGone&) {
  }
}

void master(rankwire::Channel& world) {
  std::vector<int> waiting, idle;
  std::map<int, int> at_work;  // which worker has which task
  for (int task = 1; task <= tasks; ++task) waiting.push_back(task);
  for (int worker = 1; worker < world.size(); ++worker) idle.push_back(worker);
  int sum = 0;
  while (!waiting.empty() || !at_work.empty()) {
    for (; !waiting.empty() && !idle.empty(); waiting.pop_back(), idle.pop_back()) {
      at_work[idle.back()] = waiting.back();
      try_send(world, idle.back(), task_tag, waiting.back());
    }
    if (at_work.empty()) {  // all workers are gone
      sum += square(waiting.back());
      waiting.pop_back();
      continue;
    }
    const auto event = world.next(rankwire::any_source, result_tag);
    if (const auto* result = std::get_if<rankwire::Message>(&*event)) {
      sum += rankwire::decode<int>(*result);
      at_work.erase(result->source);
      idle.push_back(result->source);
    } else if (const auto* gone = std::get_if<rankwire::Departure>(&*event)) {
      // What it had sent came before this: a task that it still has is not done.
      std::fprintf(stderr, "without rank %d: %s\n", gone->rank, gone->reason.c_str());
      if (const auto left = at_work.extract(gone->rank)) waiting.push_back(left.mapped());
      std::erase(idle, gone->rank);
    }
  }
  for (const int worker : idle) try_send(world, worker, stop_tag, 0);
  std::printf("the sum of the first %d squares is %d\n", tasks, sum);
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    world.rank() == 0 ? master(world) : worker(world);
  });
}
