#pragma once

#include <atomic>

#include "links/thread_annotations.hpp"

namespace rankwire::zmq_wire {

/// A lock for the sockets of a channel and the links on them. Two threads have the turn
/// alternately: the program's thread, inside a call of the channel; and libzmq's I/O thread, when
/// it has sent a frame behind which small messages wait to be sent together (Link). A libzmq socket
/// may be used by several threads if one hands it to the other through a memory barrier, as the
/// atomic here does.
///
/// So small messages travel together while others are on their way. They never wait for a timer,
/// for a thread to wake up, or for the program's next call. (A thread of ours that sends them was
/// tried: each hand-over to it is a wake-up, tens of microseconds.)
///
/// Measured: of ten messages of 64 B in a row, after which their sender computes, the last one
/// comes after 20 to 40 us. Sent in the program's next call, it would lie for as long as the sender
/// computes. The rate does not depend on it: travelling together makes that six times as large.
class RANKWIRE_CAPABILITY("turn") Turns {
 public:
  /// What the holder of the turn does when it is due.
  class Work {
   public:
    virtual ~Work() = default;
    virtual void do_due() noexcept = 0;
  };

  explicit Turns(Work& work) : work_{work} {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// Takes the turn for the program's thread. Waits for libzmq's thread, which has it for
  /// microseconds, or for a thread that aborts. Call leave() before the next enter(): a thread that
  /// never leaves keeps all others out for good.
  void enter() noexcept RANKWIRE_ACQUIRE();
  /// Takes the turn for another thread, if nobody has it. Call leave() then.
  [[nodiscard]] bool try_enter() noexcept RANKWIRE_TRY_ACQUIRE(true) { return take(); }
  /// Does the work that became due meanwhile, and gives the turn back.
  void leave() noexcept RANKWIRE_RELEASE();
  /// Work is due. Any thread may call this. The work is done now, or by the holder of the turn when
  /// it leaves.
  void due() noexcept;
  /// Tells clang's analysis that the calling code has the turn. For code where clang cannot see it:
  /// a lambda, a call through a template.
  void assert_entered() const noexcept RANKWIRE_ASSERT_HELD(this) {}

 private:
  [[nodiscard]] bool take() noexcept { return !taken_.exchange(true); }

  Work& work_;
  // Sequentially consistent: if one thread leaves while another says that work is due, at least one
  // of them must see the other.
  std::atomic<bool> taken_{false};
  std::atomic<bool> due_{false};
};

/// Holds the turn while it lives.
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
