// Who am I, how many are we, and where? Each rank greets rank 0, which prints the greetings in rank
// order. With three ranks: `hello -n 3`, `mpiexec -n 3 hello`, `rankwire launch -n 3 -- hello`.

#include <cstdio>
#include <rankwire/rankwire.hpp>
#include <string>

namespace {

constexpr int greeting_tag = 1;

std::string greeting(const rankwire::Channel& world, const rankwire::PeerInfo& self) {
  return "rank " + std::to_string(world.rank()) + " of " + std::to_string(world.size()) +
         ", process " + std::to_string(self.pid) + " on " + self.host;
}

void hello(rankwire::Channel& world) {
  const rankwire::Info info = world.info();
  const std::string mine = greeting(world, info.peers.at(world.rank()));
  if (world.rank() > 0) return rankwire::send(world, 0, greeting_tag, mine);

  std::printf("over %s:\n%s\n", info.transport.c_str(), mine.c_str());
  for (int worker = 1; worker < world.size(); ++worker) {
    const auto theirs = rankwire::recv<std::string>(world, worker, greeting_tag);
    std::printf("%s\n", theirs.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, hello);
}
