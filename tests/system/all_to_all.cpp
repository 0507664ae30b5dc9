#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "rankwire/rankwire.hpp"

// Each rank sends a message to each other rank, and receives one from each. The master prints how
// many messages came wrong or twice, and how many pairs were relayed. Then all close.
//
//   rankwire launch -n 100 -- system_all_to_all

namespace {

constexpr int tag_word = 1, tag_sum = 2;

struct Word {
  int from = 0, to = 0;
};

/// Of one rank: messages that were not what they should have been, and peers that are relayed.
struct Sum {
  std::int64_t wrong = 0, relayed = 0;
};

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span{&value, 1});
}

template <class T>
T read(const rankwire::Message& message) {
  T value{};
  if (message.payload.size() == sizeof value)
    std::memcpy(&value, message.payload.data(), sizeof value);
  return value;
}

Sum exchange(rankwire::Channel& world) {
  const int size = world.size(), self = world.rank();
  // Begins with the next rank, so that not all send to the same one first.
  for (int step = 1; step < size; ++step) {
    const Word word{self, (self + step) % size};
    world.send(word.to, tag_word, bytes_of(word));
  }
  Sum sum;
  std::vector<char> heard(static_cast<std::size_t>(size));
  for (int step = 1; step < size; ++step) {
    const auto message = world.recv(rankwire::any_source, tag_word);
    const auto word = read<Word>(*message);
    if (word.from != message->source || word.to != self) ++sum.wrong;
    if (std::exchange(heard[static_cast<std::size_t>(message->source)], 1) != 0) ++sum.wrong;
  }
  const auto peers = world.info().peers;
  sum.relayed = std::count_if(peers.begin(), peers.end(),
                              [](const rankwire::PeerInfo& peer) { return peer.relayed; });
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  return rankwire::run(argc, argv, [](rankwire::Channel& world) {
    const auto begin = std::chrono::steady_clock::now();
    Sum sum = exchange(world);
    if (world.rank() != 0) {
      world.send(0, tag_sum, bytes_of(sum));
      return 0;
    }
    for (int rank = 1; rank < world.size(); ++rank) {
      const auto more = read<Sum>(*world.recv(rank, tag_sum));
      sum.wrong += more.wrong;
      sum.relayed += more.relayed;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%d ranks in %.1f s: %lld wrong, %lld relayed\n", world.size(), took.count(),
                static_cast<long long>(sum.wrong), static_cast<long long>(sum.relayed));
    return sum.wrong == 0 ? 0 : 1;
  });
}
