#include <cstdio>
#include <rankwire/rankwire.hpp>

int sum_of_ranks(rankwire::Channel& world);

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    const int sum = sum_of_ranks(world);
    if (world.rank() == 0) std::printf("sum %d\n", sum);
  });
}
