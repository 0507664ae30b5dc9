#pragma once

#include <atomic>

#include "links/thread_annotations.hpp"

namespace rankwire::zmq_wire {

/// Whose turn it is to use the sockets of a channel, and the links on them: the program's thread,
/// inside a call of the channel, or libzmq's I/O thread, which has just sent a frame behind which
/// messages wait to be sent together (Link). A socket of libzmq may be used by several threads
/// where one hands it over to the other, as an atomic does.
///
/// So small messages travel together while others are on their way, and never wait for a timer, for
/// a thread to wake up, or for the program's next call. (A thread of ours that sends them was the
/// other way: each hand-over to it would be a wake-up, tens of microseconds.)
class RANKWIRE_CAPABILITY("turn") Turns {
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

  /// The program's thread begins. Waits for libzmq's thread, which has the turn for microseconds,
  /// or for a thread that aborts. Not again before leave(): a thread that never leaves keeps all
  /// others out for good.
  void enter() noexcept RANKWIRE_ACQUIRE();
  /// Another thread begins, where nobody has the turn; leave() ends it.
  [[nodiscard]] bool try_enter() noexcept RANKWIRE_TRY_ACQUIRE(true) { return take(); }
  /// Does what became due meanwhile.
  void leave() noexcept RANKWIRE_RELEASE();
  /// Something is due, says any thread. It is done now, or by whoever has the turn, when that one
  /// leaves.
  void due() noexcept;
  /// For clang's analysis: the calling code runs with the turn, which clang cannot see (a lambda, a
  /// call through a template).
  void assert_entered() const noexcept RANKWIRE_ASSERT_HELD(this) {}

 private:
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true); }

  Work& work_;
  // Sequentially consistent: of one who leaves and one who says that something is due, at least one
  // must see the other.
  std::atomic<bool> taken_{false};
  std::atomic<bool> due_{false};
};

/// Has the turn for the length of a block.
class RANKWIRE_SCOPED_CAPABILITY Turn {
 public:
  explicit Turn(Turns& turns) RANKWIRE_ACQUIRE(turns) : turns_{turns} { turns_.enter(); }
  ~Turn() RANKWIRE_RELEASE() { turns_.leave(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  Turns& turns_;
};

}  // namespace rankwire::zmq_wire
