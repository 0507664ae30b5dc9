#include <cstdio>
#include <rankwire/rankwire.hpp>

// Each rank squares its number; rank 0 prints them behind the name of the transport.
int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    constexpr int tag = 1;
    if (world.rank() > 0) return rankwire::send(world, 0, tag, world.rank() * world.rank());
    std::printf("%s: 0", world.info().transport.c_str());
    for (int rank = 1; rank < world.size(); ++rank) {
      std::printf(" %d", rankwire::recv<int>(world, rank, tag));
    }
    std::printf("\n");
  });
}
