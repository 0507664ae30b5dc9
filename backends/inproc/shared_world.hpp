#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "rankwire/backend/cores.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/backend/world_end.hpp"
#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// The messages that others have sent to one rank, until it takes them. `mutex` guards all that is
/// not atomic; no thread holds two of them. The vector keeps its memory, so a steady flow allocates
/// nothing.
struct Post {
  explicit Post(int size) : taken{size} {}
  [[nodiscard]] bool owner_departed() {
    const std::lock_guard lock{mutex};
    return departure != nullptr;
  }

  std::mutex mutex;
  const Wanted* awaited = nullptr;  // what its owner waits for while it sleeps on `changed`
  bool listed = false;              // its owner is among SharedWorld's sleepers
  std::condition_variable changed;  // something has arrived, a departure concerns it, or the abort
  std::condition_variable room;     // its owner took messages, or has departed
  std::vector<Message> messages;
  // How many bytes its owner has taken from each source (Windows). Senders look here when they find
  // no room. They are woken only now and then.
  RankTable<std::atomic<std::uint64_t>> taken;
  std::shared_ptr<const Departure> departure;  // of its owner; set before anybody hears of it
  // Counts the messages, and the abort. Its owner spins on it, so it has a cache line of its own.
  alignas(64) std::atomic<std::uint64_t> changes{0};
};

/// The departures of a world, in their order. One thread at a time adds; any thread reads.
class Departures {
 public:
  explicit Departures(int ranks)
      : all_(static_cast<std::size_t>(ranks)), places_(static_cast<std::size_t>(ranks)) {}

  [[nodiscard]] int ranks() const { return static_cast<int>(places_.size()); }
  /// All that the first count() ranks had sent lies in the posts of the receivers.
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_acquire); }
  /// For places below count().
  [[nodiscard]] const std::shared_ptr<const Departure>& operator[](std::size_t place) const {
    return all_[place];
  }
  /// Which of the first `known` is that of `rank`; `known` if none is.
  [[nodiscard]] std::size_t place_of(int rank, std::size_t known) const {
    const std::size_t place = places_[static_cast<std::size_t>(rank)].load() - 1;
    return std::min(place, known);
  }
  /// Allocates nothing.
  void add(std::shared_ptr<const Departure> departure) {
    const std::size_t place = count_.load(std::memory_order_relaxed);
    places_[static_cast<std::size_t>(departure->rank)] = place + 1;
    all_[place] = std::move(departure);
    count_.store(place + 1, std::memory_order_release);
  }

 private:
  std::vector<std::shared_ptr<const Departure>> all_;  // the first count_ are set
  std::vector<std::atomic<std::size_t>> places_;       // by rank, plus 1; 0: has not departed
  // Ranks that wait look at it all the time.
  alignas(64) std::atomic<std::size_t> count_{0};
};

/// What the ranks of one world share.
class SharedWorld {
 public:
  SharedWorld(const Settings& with, int size);

  const Settings settings;
  const WaitPolicy wait;
  const std::shared_ptr<WorldEnd> end = std::make_shared<WorldEnd>();
  [[nodiscard]] int size() const { return static_cast<int>(posts_.size()); }
  [[nodiscard]] Post& post(int rank) { return *posts_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Departures& departures() const { return departures_; }

  /// To be called by `rank` before it sleeps on its `changed`, if it is not listed, and without a
  /// lock. From now on a departure that concerns what it awaits wakes it.
  void list_sleeper(int rank);
  /// Records a departure, which its post has already, and wakes those whom it concerns. Costs
  /// nothing for a rank that does not sleep. Allocates nothing.
  void depart(const std::shared_ptr<const Departure>& departure) noexcept;
  /// Wakes all: the world has ended.
  void call_all() noexcept;

 private:
  [[nodiscard]] bool concerns(const Departure& departure, const Wanted& awaited) const;
  bool keeps_sleeping(Post& there, const Departure& departure) const;

  std::vector<std::unique_ptr<Post>> posts_;
  Departures departures_;
  std::mutex mutex_;           // of those who depart, and for sleepers_
  std::vector<int> sleepers_;  // all ranks that sleep on `changed`, and some that have slept
};

inline SharedWorld::SharedWorld(const Settings& with, int size)
    : settings{with},
      wait{wait_policy(
          with.wait,
          {.ranks = size, .cores = usable_cores(allowed_cores(), core_quota()), .woken = true})},
      departures_{size} {
  for (int rank = 0; rank < size; ++rank) posts_.push_back(std::make_unique<Post>(size));
  sleepers_.reserve(posts_.size());
}

inline void SharedWorld::list_sleeper(int rank) {
  const std::lock_guard lock{mutex_};
  sleepers_.push_back(rank);
  Post& own = post(rank);
  const std::lock_guard own_lock{own.mutex};
  own.listed = true;
}

/// No wake-up is lost. A rank looks at the number of departures under the lock of its post, and
/// sleeps only if it is listed and knows them all, or those that it does not know do not concern
/// it. The number grows before this function locks the posts of those who are listed. So, for each
/// of them, one of two holds. Either this function has the lock first: then the rank sees the new
/// number, and does not sleep. Or the rank has it first: then it is seen to sleep here. A rank that
/// is taken from the list sees the new number for the same reason, and has itself listed again.
inline void SharedWorld::depart(const std::shared_ptr<const Departure>& departure) noexcept {
  const std::lock_guard lock{mutex_};
  departures_.add(departure);
  std::erase_if(sleepers_, [&](int rank) { return !keeps_sleeping(post(rank), *departure); });
}

/// False if the owner of the post is awake. It is then not listed any more.
inline bool SharedWorld::keeps_sleeping(Post& there, const Departure& departure) const {
  const std::lock_guard lock{there.mutex};
  there.listed = there.awaited != nullptr;
  if (there.listed && concerns(departure, *there.awaited)) there.changed.notify_one();
  return there.listed;
}

/// A receive from anyone that asks for losses only has to hear of the last one, too: nobody remains
/// then.
inline bool SharedWorld::concerns(const Departure& departure, const Wanted& awaited) const {
  if (awaited.source != any_source) return awaited.source == departure.rank;
  return awaited.all_news || departure.kind == Departure::Kind::lost ||
         departures_.count() + 1 >= posts_.size();
}

inline void SharedWorld::call_all() noexcept {
  for (const auto& there : posts_) {
    {
      const std::lock_guard lock{there->mutex};
      there->changes.fetch_add(1, std::memory_order_release);
    }
    there->changed.notify_all();
    there->room.notify_all();
  }
}

}  // namespace rankwire
