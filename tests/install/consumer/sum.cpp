#include <rankwire/rankwire.hpp>

// In a library of the consumer's: the sum of all ranks, at rank 0.
int sum_of_ranks(rankwire::Channel& world) {
  constexpr int tag = 1;
  int sum = world.rank();
  if (world.rank() > 0) {
    rankwire::send(world, 0, tag, sum);
    return 0;
  }
  for (int worker = 1; worker < world.size(); ++worker) {
    sum += rankwire::recv<int>(world, worker, tag);
  }
  return sum;
}
