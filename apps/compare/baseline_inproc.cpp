#include <condition_variable>
#include <mutex>
#include <optional>

#include "baseline.hpp"

namespace comparison {
namespace {

/// Where one thread hands a payload over to another.
class Slot {
 public:
  void put(std::vector<std::byte>&& payload) {
    {
      const std::lock_guard lock{mutex_};
      payload_ = std::move(payload);
    }
    filled_.notify_one();
  }

  std::vector<std::byte> take() {
    std::unique_lock lock{mutex_};
    if (!filled_.wait_for(lock, baseline_patience, [this] { return payload_.has_value(); })) {
      throw rankwire::Timeout{"the other thread of the baseline did not answer in time"};
    }
    auto payload = std::move(*payload_);
    payload_.reset();
    return payload;
  }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::optional<std::vector<std::byte>> payload_;
};

class InprocLink {
 public:
  InprocLink(Slot& in, Slot& out) : in_{in}, out_{out} {}
  void make(std::size_t bytes) { payload_.assign(bytes, std::byte{}); }
  [[nodiscard]] std::span<std::byte> payload() { return payload_; }
  void send() { out_.put(std::move(payload_)); }
  void receive() { payload_ = in_.take(); }

 private:
  Slot& in_;
  Slot& out_;
  std::vector<std::byte> payload_;
};

}  // namespace

std::unique_ptr<Baseline> open_inproc_baseline(rankwire::Channel& world) {
  // All ranks are threads of this process, and open it once.
  static Slot to_leader, to_other;
  const bool leads = world.rank() == 0;
  return std::make_unique<BaselineOver<InprocLink>>("a mutex and a condition variable",
                                                    leads ? to_leader : to_other,
                                                    leads ? to_other : to_leader);
}

}  // namespace comparison
