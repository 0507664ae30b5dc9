// A farm: rank 0 hands out tasks one by one, so that who is fast gets more of them, and takes
// results in the order in which they come. A task is to count the primes of a range. `farm -n 4`
// says on stderr how many tasks each worker has done; it needs two ranks or more.

#include <cstdio>
#include <rankwire/rankwire.hpp>
#include <vector>

namespace {

constexpr int task_tag = 1, stop_tag = 2, result_tag = 3;
constexpr int numbers = 1'000'000, numbers_each = 5'000;

bool is_prime(int number) {
  for (int factor = 2; factor * factor <= number; ++factor) {
    if (number % factor == 0) return false;
  }
  return number > 1;
}

int primes_from(int first) {
  int count = 0;
  for (int number = first; number < first + numbers_each; ++number) count += is_prime(number);
  return count;
}

void worker(rankwire::Channel& world) {
  while (true) {
    const auto task = rankwire::recv_from<int>(world, 0, rankwire::any_tag);
    if (task.tag == stop_tag) return;
    rankwire::send(world, 0, result_tag, primes_from(task.value));
  }
}

void master(rankwire::Channel& world) {
  if (world.size() == 1) throw rankwire::UsageError{"a farm needs workers: -n 2 or more"};
  int next = 0, primes = 0;
  const auto hand_out = [&](int worker) {
    if (next >= numbers) return rankwire::send(world, worker, stop_tag, 0);
    rankwire::send(world, worker, task_tag, next);
    next += numbers_each;
  };
  for (int worker = 1; worker < world.size(); ++worker) hand_out(worker);

  std::vector<int> tasks_done(world.size());
  for (int result = 0; result < numbers / numbers_each; ++result) {
    const auto [source, tag, count] =
        rankwire::recv_from<int>(world, rankwire::any_source, result_tag);
    primes += count;
    ++tasks_done[source];
    hand_out(source);
  }
  std::printf("there are %d primes below %d\n", primes, numbers);
  for (int worker = 1; worker < world.size(); ++worker) {
    std::fprintf(stderr, "rank %d did %d tasks\n", worker, tasks_done[worker]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    world.rank() == 0 ? master(world) : worker(world);
  });
}
