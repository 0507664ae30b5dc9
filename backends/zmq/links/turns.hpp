#pragma once

#include <atomic>

namespace rankwire::zmq_wire {

/// Whose turn it is to use the sockets of a channel, and the links on them: the program's thread,
/// inside a call of the channel, or libzmq's I/O thread, which has just sent a frame behind which
/// messages wait to be sent together (Link). A socket of libzmq may be used by several threads
/// where one hands it over to the other, as an atomic does.
///
/// So small messages travel together while others are on their way, and never wait for a timer, for
/// a thread to wake up, or for the program's next call. (A thread of ours that sends them was the
/// other way: each hand-over to it would be a wake-up, tens of microseconds.)
class Turns {
 public:
  /// What is to be done where it is due, by whoever has the turn.
  class Work {
   public:
    virtual void do_due() noexcept = 0;

   protected:
    ~Work() = default;
  };

  explicit Turns(Work& work) : work_{work} {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// The program's thread begins; waits for libzmq's, which has it for microseconds, or for one
  /// that aborts. Not again before leave(). Whoever does not leave any more keeps the others out
  /// for good.
  void enter() noexcept;
  /// Another thread begins, where nobody has the turn; leave() ends it.
  [[nodiscard]] bool try_enter() noexcept { return take(); }
  /// Does what became due meanwhile.
  void leave() noexcept;
  /// Something is due, says any thread. Done now, or by whoever has the turn, when it leaves.
  void due() noexcept;

 private:
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true); }

  Work& work_;
  // Sequentially consistent: of one who leaves and one who says that something is due, at least one
  // must see the other.
  std::atomic<bool> taken_{false};
  std::atomic<bool> due_{false};
};

/// A turn for the length of a block.
class Turn {
 public:
  explicit Turn(Turns& turns) : turns_{turns} { turns_.enter(); }
  ~Turn() { turns_.leave(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Turns& turns_;
};

}  // namespace rankwire::zmq_wire
