#include <condition_variable>
#include <cstring>
#include <mutex>

#include "ways/baseline.hpp"

namespace comparison {
namespace {

/// Memory that is not initialized, as a payload's need not be.
struct Payload {
  std::unique_ptr<std::byte[]> data;
  std::size_t size = 0;
};

struct Item {
  int source = 0;
  Payload payload;
};

/// Where threads hand payloads over to one of them. It takes all at once: the lock is held a
/// moment.
class Queue {
 public:
  void put(int source, Payload&& payload) {
    {
      const std::lock_guard lock{mutex_};
      waiting_.push_back({source, std::move(payload)});
    }
    filled_.notify_one();
  }

  /// `taken` comes empty, and goes away full.
  void take(std::vector<Item>& taken) {
    std::unique_lock lock{mutex_};
    if (!filled_.wait_for(lock, baseline_patience, [this] { return !waiting_.empty(); })) {
      throw rankwire::Timeout{"the other thread of the baseline did not answer in time"};
    }
    taken.swap(waiting_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Item> waiting_;
};

class InprocLink {
 public:
  InprocLink(std::vector<Queue>& queues, int rank) : queues_{queues}, rank_{rank} {}
  void make(std::size_t bytes) {
    payload_ = {std::make_unique_for_overwrite<std::byte[]>(bytes), bytes};
  }
  [[nodiscard]] std::span<std::byte> payload() { return {payload_.data.get(), payload_.size}; }
  void send(int to) { queues_.at(static_cast<std::size_t>(to)).put(rank_, std::move(payload_)); }
  int receive(int) {
    if (next_ == taken_.size()) {
      taken_.clear();
      next_ = 0;
      queues_.at(static_cast<std::size_t>(rank_)).take(taken_);
    }
    Item& item = taken_[next_++];
    payload_ = std::move(item.payload);
    return item.source;
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}

 private:
  std::vector<Queue>& queues_;
  int rank_;
  std::vector<Item> taken_;
  std::size_t next_ = 0;
  Payload payload_;
};

}  // namespace

std::unique_ptr<Way> open_inproc_baseline(rankwire::Channel& world) {
  // All ranks are threads of this process, and open it once.
  static std::vector<Queue> queues(static_cast<std::size_t>(world.size()));
  return std::make_unique<WayOver<InprocLink>>("raw", "a mutex and a condition variable", queues,
                                               world.rank());
}

}  // namespace comparison
