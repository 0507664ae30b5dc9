#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

struct PeerFacts;

/// How a sender wakes a receiver that sleeps, which MPI cannot: a word for each rank, in memory
/// that the ranks of one host share. Who goes to sleep says so in its word; who has sent looks at
/// the receiver's, and wakes it by a futex.
///
/// No wake-up is lost: sleeper and sender each write (word; message) and then read what the other
/// wrote. A fence between costs the sender as much as its message needs to get there, so the
/// sleeper pays for both with the system call membarrier. Where that, the memory or another rank's
/// share in it is missing, everybody sleeps as long as WaitPolicy says.
class Bells {
 public:
  /// Makes memory for the words of `ranks` ranks, in case that this rank is to share its own.
  explicit Bells(int ranks);
  ~Bells();
  Bells(const Bells&) = delete;
  Bells& operator=(const Bells&) = delete;
  Bells(Bells&&) = delete;
  Bells& operator=(Bells&&) = delete;

  /// The file descriptor by which other processes find the memory; -1: there is none.
  [[nodiscard]] int file() const { return file_; }
  /// Takes part in the memory of the first rank that runs on this rank's kernel.
  void join(const std::vector<PeerFacts>& facts, int self);

  /// Wakes `rank` if it sleeps and can be woken by this one.
  void ring(int rank) {
    if (words_ == nullptr) return;
    auto& asleep = words_[rank].asleep;
    if (asleep.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake(asleep);
  }

  /// A rank can be woken by somebody.
  [[nodiscard]] bool shared() const { return words_ != nullptr; }
  /// Every other rank wakes this one.
  [[nodiscard]] bool all_ring() const;
  /// Says that this rank is about to sleep. What was sent to it before is visible to the look that
  /// must follow; what is sent later rings.
  void lie_down();
  /// Sleeps for `time` or until somebody rings, or has rung since lie_down(); says whether it did.
  bool sleep(Deadline::Clock::duration time);
  void get_up() { own().store(0, std::memory_order_relaxed); }

 private:
  /// On a cache line of its own.
  struct alignas(64) Word {
    std::atomic<std::uint32_t> asleep;
  };
  [[nodiscard]] std::size_t map_bytes() const;
  [[nodiscard]] std::atomic<std::uint32_t>& own() { return words_[self_].asleep; }
  static void wake(std::atomic<std::uint32_t>& asleep);

  int ranks_;
  int self_ = 0;
  int file_ = -1;
  Word* words_ = nullptr;  // one a rank, and one more: how many ranks have joined
};

/// Paces the waits of a rank, between its looks: spins, then yields, then sleeps ever longer until
/// it is woken. What it waited in vain counts on in the next call, or a loop of short waits would
/// never come to sleep. It sleeps at most for the policy's longest sleep; fifty times as long where
/// every other rank wakes it. It yields for longer while bytes are under way that move only when
/// MPI is called: a sleep costs 16 MiB up to a tenth of their time. A rank that is woken has the
/// message as soon as the kernel can wake a process, where one that looks once in 1 ms has it after
/// half of that. Here, after 40 ms of sleep, there and back: 97 to 152 us, of which a bare futex
/// between two processes that are bound to a core each takes 75 to 95.
class Rest {
 public:
  Rest(const WaitPolicy& policy, Bells& bells) : policy_{policy}, bells_{bells} {}
  ~Rest() { get_up(); }
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;
  Rest(Rest&&) = delete;
  Rest& operator=(Rest&&) = delete;

  /// One wait, by its life: the time since the last one does not count.
  class Wait {
   public:
    explicit Wait(Rest& rest) : rest_{rest} { rest_.last_ = {}; }
    ~Wait() { rest_.get_up(); }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    Rest& rest_;
  };

  /// After a look that found nothing. `under_way`: bytes need MPI to be called, `bytes` of them.
  void pause(Deadline deadline, bool under_way, std::size_t bytes);
  /// After one that found something.
  void begin_again();
  /// Has come to sleeping: time for looks that cost more.
  [[nodiscard]] bool sleeping() const { return sleep_ > Duration::zero(); }

 private:
  using Duration = Deadline::Clock::duration;
  void sleep(Duration at_most, bool under_way);
  void get_up() {
    if (lying_) bells_.get_up();
    lying_ = false;
  }

  WaitPolicy policy_;
  Bells& bells_;
  Deadline::Clock::time_point last_{};
  Duration waited_{};
  Duration sleep_{};
  bool lying_ = false;
};

}  // namespace rankwire::mpi
