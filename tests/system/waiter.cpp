#include <fmt/format.h>

#include <cstdio>
#include <rankwire/rankwire.hpp>

// A program whose ranks wait for each other for ever: for the tests that end one of them. Each says
// its rank and pid on stderr once it is about to wait.

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    const auto own = world.info().peers.at(static_cast<std::size_t>(world.rank()));
    const auto line = fmt::format("rank {} waits, pid {}.\n", world.rank(), own.pid);
    std::fputs(line.c_str(), stderr);
    const int other = world.rank() == 0 ? world.size() - 1 : 0;
    (void)world.recv(other, 1);
  });
}
