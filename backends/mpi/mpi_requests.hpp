#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "rankwire/backend/mailbox.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::mpi {

/// What the ranks tell each other besides the program's messages: the tag on the control
/// communicator. Each carries one number.
enum class Control : int {
  credit,            ///< what the receiver's program has taken in all (Windows)
  left,              ///< closed; the number: of the messages sent to this rank
  left_undelivered,  ///< closed, but the linger ended before more than the first so many were taken
  lost,              ///< ended without closing; the first so many messages were sent whole
};

/// MPI requests under way, and what belongs to each. One MPI call asks for all of them: a call a
/// request would run MPI's progress once each.
template <class Item>
class Requests {
 public:
  void add(MPI_Request request, Item item);
  /// Calls `done(item)` for each that is complete, in the order they were added.
  template <class F>
  bool complete(F&& done);
  /// Forgets those that `which(item)` picks; MPI goes on with them.
  template <class F>
  void forget(F&& which);
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  std::vector<MPI_Request> requests_;
  std::vector<Item> items_;  // of requests_, same order
  std::vector<int> scratch_;
};

/// The messages on their way out of one channel, and the bytes that MPI may still read.
class Outgoing {
 public:
  Outgoing(MPI_Comm data, MPI_Comm control, int size)
      : data_{data}, control_{control}, sent_(static_cast<std::size_t>(size)) {}
  /// Bytes of sends that are not complete are left to MPI: a started send cannot be taken back.
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  Outgoing(Outgoing&&) = delete;
  Outgoing& operator=(Outgoing&&) = delete;

  /// Starts a send that owns its bytes.
  void send(int dest, int tag, Buffer&& payload);
  /// Starts a send of the caller's bytes, which must stay until borrows(dest) says no. One at a
  /// time.
  void send_borrowed(int dest, int tag, std::span<const std::byte> payload);
  [[nodiscard]] bool borrows(int dest) const;
  void send_control(int dest, Control kind, std::uint64_t value);

  /// Lets go of what is complete.
  bool complete();
  [[nodiscard]] bool empty() const { return under_way_.empty(); }
  /// Sends to a rank that has not departed are under way.
  [[nodiscard]] bool waits(const Mailbox& departures) const;
  /// As waits(), of control messages alone.
  [[nodiscard]] bool control_waits(const Mailbox& departures) const;
  /// How many messages to `dest` were started, and how many of these before the first that is not
  /// complete: so many are sure to arrive.
  [[nodiscard]] std::uint64_t sent(int dest) const { return sent_[static_cast<std::size_t>(dest)]; }
  [[nodiscard]] std::uint64_t sent_whole(int dest) const;

 private:
  struct Send {
    Buffer payload;  // empty for a borrowed one
    int dest = 0;
    std::uint64_t ordinal = 0;  // of the messages to dest; control ones count for none
    bool borrowed = false;
  };
  static constexpr std::uint64_t no_message = UINT64_MAX;
  void start(MPI_Comm comm, int tag, std::span<const std::byte> bytes, std::unique_ptr<Send> send);
  [[nodiscard]] std::unique_ptr<Send> fresh(int dest, Buffer&& payload);

  MPI_Comm data_, control_;
  std::vector<std::uint64_t> sent_;  // messages by destination
  Requests<std::unique_ptr<Send>> under_way_;
  std::unique_ptr<Send> spare_;  // so that small sends, complete at once, allocate nothing
};

/// The messages on their way into one channel.
class Incoming {
 public:
  Incoming(MPI_Comm data, int size, std::uint64_t message_bytes_max)
      : data_{data}, bytes_max_{message_bytes_max}, sources_(static_cast<std::size_t>(size)) {}
  /// Memory that MPI may still write to is left to it.
  ~Incoming();
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  Incoming(Incoming&&) = delete;
  Incoming& operator=(Incoming&&) = delete;

  /// Takes one message over from MPI, if one is there. It goes into `mailbox` when it and those
  /// before it from the same source are whole.
  bool take_one(Mailbox& mailbox);
  /// Delivers what has become whole.
  bool complete(Mailbox& mailbox);
  [[nodiscard]] bool empty() const { return under_way_.empty(); }
  /// Messages of `source` that reached the mailbox.
  [[nodiscard]] std::uint64_t delivered(int source) const {
    return sources_[static_cast<std::size_t>(source)].delivered;
  }
  /// The rest of a message of `source` will never come.
  void abandon(int source);

 private:
  struct Arriving {
    Message message;
    bool whole = false;
  };
  struct Source {
    std::list<Arriving> queue;  // in order; empty, or the first is not whole
    std::uint64_t delivered = 0;
  };
  [[nodiscard]] std::size_t size_of(const MPI_Status& status) const;
  void receive(MPI_Message matched, Message&& message, Mailbox& mailbox);
  void deliver(Message&& message, Source& from, Mailbox& mailbox);
  void deliver_whole(Source& from, Mailbox& mailbox);

  MPI_Comm data_;
  std::uint64_t bytes_max_;
  std::vector<Source> sources_;
  Requests<Arriving*> under_way_;  // into the queues
};

}  // namespace rankwire::mpi
