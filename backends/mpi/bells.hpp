#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rankwire/backend/wait_policy.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

struct PeerFacts;

/// Wakes ranks that sleep, which MPI cannot do. Each rank has a word in memory that the ranks of
/// one host share. A rank that goes to sleep says so in its word. A rank that has sent a message
/// looks at the receiver's word and wakes it by a futex.
///
/// No wake-up is lost: the sleeper writes its word and then looks for messages; the sender writes
/// its message and then looks at the word. Between these two steps both would need a fence. A fence
/// in the sender costs as much as its message needs to get there. So the sleeper pays for both
/// sides, by the system call membarrier. Without that call, the memory, or another rank's share in
/// it, every rank sleeps as long as WaitPolicy says.
class Bells {
 public:
  /// Makes memory for the words of `ranks` ranks. The others use it if this rank is the one to
  /// share its memory.
  explicit Bells(int ranks);
  ~Bells();
  Bells(const Bells&) = delete;
  Bells& operator=(const Bells&) = delete;
  Bells(Bells&&) = delete;
  Bells& operator=(Bells&&) = delete;

  /// The file descriptor by which other processes find the memory. -1 if there is none.
  [[nodiscard]] int file() const { return file_; }
  /// Joins the memory of the first rank that runs on the same kernel as this one.
  void join(const std::vector<PeerFacts>& facts, int self);

  /// Wakes `rank`, if it sleeps and shares memory with this rank.
  void ring(int rank) {
    if (words_ == nullptr) return;
    auto& asleep = words_[rank].asleep;
    if (asleep.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake(asleep);
  }

  /// Whether any rank can wake this one.
  [[nodiscard]] bool shared() const { return words_ != nullptr; }
  /// Whether every other rank wakes this one.
  [[nodiscard]] bool all_ring() const;
  /// Says that this rank is about to sleep. The caller must look for messages once more before it
  /// does: what was sent before lie_down() is visible to that look, and what is sent later rings.
  void lie_down();
  /// Sleeps for `time`, or until a rank rings or has rung since lie_down(). Returns whether one
  /// did.
  bool sleep(Deadline::Clock::duration time);
  void get_up() { own().store(0, std::memory_order_relaxed); }

 private:
  /// Each word has its own cache line.
  struct alignas(64) Word {
    std::atomic<std::uint32_t> asleep;
  };
  [[nodiscard]] std::size_t map_bytes() const;
  [[nodiscard]] std::atomic<std::uint32_t>& own() { return words_[self_].asleep; }
  static void wake(std::atomic<std::uint32_t>& asleep);

  int ranks_;
  int self_ = 0;
  int file_ = -1;
  Word* words_ = nullptr;  // one for each rank; the last counts the ranks that have joined
};

/// Paces the waits of a rank between its looks: it spins, then yields, then sleeps ever longer
/// until it is woken. Time that was waited in vain counts in the next call as well; otherwise a
/// loop of short waits would never sleep.
///
/// One sleep lasts at most as long as WaitPolicy::sleep_max says, or fifty times that if every
/// other rank wakes this one. While bytes are under way that move only when MPI is called, the rank
/// yields for longer before it sleeps. (If it sleeps as soon as otherwise, 16 MiB over TCP take 1.4
/// times as long.)
///
/// A rank that is woken has the message as soon as the kernel can wake a process; one that looks
/// once in 1 ms has it after half of that on average. Measured after 40 ms of sleep, there and
/// back: 97 to 152 us. A bare futex between two processes, each bound to a core, takes 75 to 95 us
/// of this.
class Rest {
 public:
  Rest(const WaitPolicy& policy, Bells& bells) : policy_{policy}, bells_{bells} {}
  ~Rest() { get_up(); }
  Rest(const Rest&) = delete;
  Rest& operator=(const Rest&) = delete;
  Rest(Rest&&) = delete;
  Rest& operator=(Rest&&) = delete;

  /// One wait, as long as this object lives. The time since the last one does not count.
  class Wait {
   public:
    explicit Wait(Rest& rest) : rest_{rest} { rest_.last_ = {}; }
    ~Wait() { rest_.get_up(); }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    Rest& rest_;
  };

  /// Rests after a look that found nothing. `under_way`: `bytes` of payload move only when MPI is
  /// called.
  void pause(Deadline deadline, bool under_way, std::size_t bytes);
  /// To be called after a look that found something.
  void begin_again();
  /// Whether the wait has come to sleeping. There is then time for looks that cost more.
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
