#include "exchange.hpp"

#include <fmt/format.h>

#include <stdexcept>
#include <thread>
#include <vector>

#include "rankwire/errors.hpp"

namespace network {
namespace {

using namespace std::chrono_literals;

/// A rank of the others, as one of them sees it.
struct Other {
  int rank = 0;
  CheckedStream to, from;
  std::uint64_t sent = 0, received = 0;
};

class Part {
 public:
  Part(rankwire::Channel& world, const Exchange& how) : world_{world}, how_{how} {
    for (int rank = 0; rank < world.size(); ++rank) {
      if (rank == world.rank()) continue;
      others_.push_back({rank,
                         {how.seed, world.rank(), rank, how.bytes, how.sizes},
                         {how.seed, rank, world.rank(), how.bytes, how.sizes},
                         0,
                         0});
    }
  }

  void run() {
    const rankwire::Deadline deadline{how_.patience};
    while (!complete()) {
      compute();
      bool moved = false;
      for (auto& other : others_) {
        moved = send_some(other) || moved;
        moved = receive_some(other, rankwire::Deadline::poll()) || moved;
      }
      if (!moved) (void)receive_some(slowest(), 5ms);
      if (deadline.expired()) throw std::runtime_error{"hangs: " + progress()};
    }
  }

  [[nodiscard]] std::string progress() const {
    std::string text = fmt::format("rank {}:", world_.rank());
    for (const auto& other : others_) {
      text += fmt::format(" sent {} to rank {} and received {}, of {};", other.sent, other.rank,
                          other.received, how_.messages);
    }
    return text;
  }

 private:
  /// As often as it is due.
  void compute() {
    std::uint64_t moved = 0, all = 0;
    for (const auto& other : others_) {
      moved += other.sent + other.received;
      all += 2 * how_.messages;
    }
    for (; computed_ < how_.computing.size(); ++computed_) {
      const Computing& next = how_.computing[computed_];
      if (next.rank != world_.rank()) continue;
      if (static_cast<double>(moved) < next.at * static_cast<double>(all)) return;
      if (how_.when_one_computes) how_.when_one_computes();
      std::this_thread::sleep_for(next.time);
    }
  }

  static constexpr int in_turn = 64;  // messages of one rank before the next has its turn

  [[nodiscard]] bool complete(const Other& other) const {
    return other.sent == how_.messages && other.received == how_.messages;
  }
  [[nodiscard]] bool complete() const {
    return std::ranges::all_of(others_, [&](const Other& other) { return complete(other); });
  }
  Other& slowest() {
    return *std::ranges::find_if(others_, [&](const Other& other) { return !complete(other); });
  }
  bool send_some(Other& other) {
    const auto before = other.sent;
    try {
      for (int i = 0; i < in_turn && other.sent < how_.messages; ++i) {
        world_.send(other.rank, 1, other.to.make(other.sent), rankwire::Deadline::poll());
        ++other.sent;
      }
    } catch (const rankwire::Timeout&) {
      // No room: the receiver comes first.
    }
    return other.sent > before;
  }
  bool receive_some(Other& other, rankwire::Deadline deadline) {
    const auto before = other.received;
    for (int i = 0; i < in_turn && other.received < how_.messages; ++i) {
      const auto message = world_.recv(other.rank, 1, deadline);
      if (!message) break;
      other.from.check(other.received++, message->payload.bytes());
      deadline = rankwire::Deadline::poll();
    }
    return other.received > before;
  }

  rankwire::Channel& world_;
  Exchange how_;
  std::vector<Other> others_;
  std::size_t computed_ = 0;  // of how_.computing
};

}  // namespace

std::string Outcome::text() const {
  if (complete) return "complete";
  return lost ? fmt::format("lost rank {}: {}; {}", lost->rank, lost->reason, failure) : failure;
}

Outcome exchange(rankwire::Channel& world, const Exchange& how) {
  Part part{world, how};
  Outcome outcome;
  try {
    part.run();
    outcome.complete = true;
  } catch (const rankwire::PeerLost& lost) {
    outcome.lost_at = std::chrono::steady_clock::now();
    outcome.lost = lost.departure();
    outcome.failure = part.progress();
  } catch (const std::exception& error) {
    outcome.failure = fmt::format("{}; {}", error.what(), part.progress());
  }
  return outcome;
}

}  // namespace network
