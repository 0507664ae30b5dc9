#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <rankwire/rankwire.hpp>
#include <thread>

// Three ranks that send each other checked messages until a signal ends them, for tests in which
// others disturb them. Rank 1 sends to rank 0, rank 2 to both, and leaves its channel alone in
// between. Rank 0 writes on stdout, at once:
//   listens ENDPOINT            of each of the others
//   received N late MS          several times a second: messages so far, and by how much the
//   longest
//                               call with a deadline was late since the last line
// A message that is lost, repeated or damaged ends the world.

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using rankwire::Buffer;
using rankwire::Channel;

enum : int { data_tag = 1, answer_tag, never_tag };
constexpr int at_once = 32;  // messages, then an answer
constexpr std::size_t message_bytes = 2000;

Buffer message(int from, int to, std::uint64_t number) {
  Buffer payload{message_bytes};
  std::uint64_t state = number * 64 + static_cast<std::uint64_t>(from * 8 + to) + 1;
  for (std::size_t at = 0; at < message_bytes; at += sizeof state) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    std::memcpy(payload.data() + at, &state, sizeof state);
  }
  return payload;
}

class Rank {
 public:
  explicit Rank(Channel& world) : world_{world} {}

  [[noreturn]] void run() {
    if (world_.rank() == 0) announce();
    while (true) {
      if (world_.rank() == 0) {
        receive();
        report();
      } else if (world_.rank() == 1) {
        exchange(0);
      } else {
        exchange(0);
        exchange(1);
        std::this_thread::sleep_for(100ms);  // computes
      }
    }
  }

 private:
  void announce() {
    for (const auto& peer : world_.info().peers) {
      if (peer.rank != 0) fmt::print("listens {}\n", peer.endpoint);
    }
    std::fflush(stdout);
  }
  /// Sends some messages to `other`, and serves whoever sends here until they are answered.
  void exchange(int other) {
    for (int i = 0; i < at_once; ++i) {
      world_.send(other, data_tag, message(world_.rank(), other, sent_[other]++));
    }
    while (!receive()) {
    }
  }
  /// True: it was an answer.
  bool receive() {
    const auto received = world_.recv(rankwire::any_source, rankwire::any_tag);
    if (received->tag == answer_tag) return true;
    const int source = received->source;
    const Buffer expected = message(source, world_.rank(), received_[source]++);
    if (received->payload.size() != expected.size() ||
        std::memcmp(received->payload.data(), expected.data(), expected.size()) != 0) {
      throw std::runtime_error{fmt::format("a wrong message came from rank {}", source)};
    }
    ++all_received_;
    if (received_[source] % at_once == 0) world_.send(source, answer_tag, Buffer{});
    return false;
  }
  void report() {
    constexpr auto each = 200ms, wait = 20ms;
    if (Clock::now() < next_report_) return;
    const auto start = Clock::now();
    (void)world_.recv(2, never_tag, wait);
    const auto end = Clock::now();
    const auto late = std::chrono::duration_cast<std::chrono::milliseconds>(end - start - wait);
    fmt::print("received {} late {}\n", all_received_, late.count());
    std::fflush(stdout);
    next_report_ = end + each;
  }

  Channel& world_;
  std::map<int, std::uint64_t> sent_, received_;
  std::uint64_t all_received_ = 0;
  Clock::time_point next_report_{};
};

}  // namespace

int main(int argc, char** argv) {
  rankwire::Program program;
  program.description = "Sends messages until a signal ends it.";
  return rankwire::run(
      argc, argv, [](Channel& world) { Rank{world}.run(); }, program);
}
