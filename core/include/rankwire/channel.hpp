#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "rankwire/buffer.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/info.hpp"
#include "rankwire/message.hpp"

namespace rankwire {

/// What a receive demands of a payload before it takes the message (Channel::recv_checked).
class PayloadCheck {
 public:
  virtual ~PayloadCheck() = default;
  PayloadCheck(const PayloadCheck&) = delete;
  PayloadCheck& operator=(const PayloadCheck&) = delete;

  /// Empty: it is taken. Else what is wrong with it, to follow "the message of rank 1 (tag 2) ".
  [[nodiscard]] virtual std::string wrong_with(std::span<const std::byte> payload) const = 0;

 protected:
  PayloadCheck() = default;
};

/// What a receive asks of a backend; programs use the functions of Channel instead.
struct Wanted {
  int source = any_source;
  int tag = any_tag;
  std::size_t bytes_max = SIZE_MAX;     ///< a larger message stays, and is a UsageError
  const PayloadCheck* check = nullptr;  ///< what it refuses stays, and is a UsageError
  bool all_news = false;  ///< from anyone: report left ranks and arrivals too, not losses only
  bool waits = true;      ///< false: a poll; one from oneself is not in vain

  [[nodiscard]] bool asks_for(int from) const { return source == from || source == any_source; }
  [[nodiscard]] bool asks_for(int from, int with) const {
    return asks_for(from) && (tag == with || tag == any_tag);
  }
  /// Of a message that it asks for: whether it is taken, or stays.
  [[nodiscard]] bool takes(std::span<const std::byte> payload) const {
    return payload.size() <= bytes_max && (check == nullptr || check->wrong_with(payload).empty());
  }
  /// The UsageError, to rank `self`, of a message that stays.
  [[noreturn]] void refuse(int self, const Message& message) const;
};

/// One rank's end of a world of ranks that send each other messages.
///
/// THE CONTRACT. Clauses are cited by number in code and tests; tests/conformance has at least one
/// test for each, and every backend passes the same suite.
///
///  1. World. Ranks are 0..size()-1; rank 0 is the master by convention. The world is complete when
///     the program's function is entered.
///  2. Payload. `send` of a span borrows the bytes until it returns. `send` of a Buffer takes
///     ownership: no copy on the way to the transport. A received Message owns its bytes, in
///     whatever memory the transport delivered them. `recv_into` receives into the caller's own
///     memory; a message too large for it is a UsageError and stays to be received, as does one
///     that the check of `recv_checked` refuses. In a steady flow a message of up to
///     Buffer::inline_bytes costs no allocation of rankwire's.
///  3. Waiting in send. A send of a Buffer never waits for the matching receive while the window
///     to that rank has room: bytes sent and not yet received by its program, 64 for each message
///     included, are at most `window_bytes`; a message of any size finds room when less than a
///     quarter of the window is outstanding. What a program has received makes room once the sender
///     knows: at once where it is a sixteenth of the window or more since it was last told. Less is
///     told some milliseconds after the receiver began to wait, to call in vain or to ask for
///     departures; and as soon as it does one of these, or sends to that rank, where it may hold
///     that rank up: where it and what waits of that rank are a quarter of the window. (A program
///     that computes tells nothing: up to a sixteenth of the window may be missing meanwhile.) What
///     a rank receives of its own makes room at once. When a send must wait it goes on taking in
///     what arrives, so two ranks that first send to each other within that bound never deadlock.
///     Past its deadline it throws Timeout, which names the peer, the window and the bytes
///     outstanding, and has sent nothing. A send of a span may wait for the receiver as well, under
///     the same rules. A send to oneself that has no room throws Timeout at once: nobody could make
///     room. A rank that is out of reach (clause 8) is waited for like a slow one.
///  4. Order. Messages of one (source, tag) are received in the order sent. With wildcards the
///     earliest arrival that matches comes first, be it a message or what `next` and `recv` tell of
///     departures and arrivals; no source can starve another.
///  5. Matching. Source or any_source, tag or any_tag. User tags are 0..tag_max. Any other rank or
///     tag is a UsageError, thrown before anything happens. Matching costs the same, however many
///     other messages wait to be received.
///  6. Edge sizes. Empty messages and sends to oneself are legal. Payloads above 2 GiB work where
///     memory does. `message_bytes_max` is checked before a byte moves, on both sides.
///  7. Deadlines. Every wait takes one. `recv` gives nothing at its deadline; a past deadline
///     polls. A call ends within 100 ms of its deadline, whatever arrives meanwhile, as far as the
///     machine lets it run; so it does for a signal (Interrupted) or an abort. A timeout leaves the
///     channel whole. A send, and a channel's first receive, that have waited for 5 s say so once,
///     in a line of the log.
///  8. Departure. A rank that closes `left`; one that dies, or is out of reach for longer than the
///     transport bears (over zmq the grace of the settings), is `lost`. One that is back before has
///     lost, repeated and reordered nothing; one that is back later is told that it was given up,
///     by PeerLost. The messages of a departed rank that arrived are delivered first. A receive
///     from it, or a send to it, then throws PeerLeft or PeerLost at once, always. A receive from
///     anyone throws PeerLost the first time a lost rank is noticed (that acknowledges it) and then
///     goes on with those who remain; when nobody remains it throws rather than waits. No receive
///     ever waits for a message that cannot come, which includes one from oneself (UsageError).
///     `next` reports departures of both kinds, once each, as values; `departure` answers for one
///     rank without acknowledging.
///  9. Threads. One thread at a time; a call while another thread is inside one (abort excepted) is
///     a UsageError, and leaves the other undisturbed. Two that enter in the same instant may both
///     pass, except in debug builds. One process: in a process that was forked from the one that
///     opened the channel, calls are a UsageError, and close, abort and the destructor do nothing;
///     neither the rank nor the others notice anything of it.
/// 10. Close. `close` delivers what was accepted and says goodbye (bounded by the linger, which
///     counts once more where the transport still has something to hand over at the end). Then a
///     rank that the others need for their own messages and goodbyes (over zmq the master, over mpi
///     every rank) serves them until all have departed or its deadline has passed; any other
///     returns at once, so that close is no barrier. It is idempotent, and any other use of a
///     closed channel, info() excepted, is a UsageError. A channel destroyed without close ends as
///     a dead process does: the others see it lost. The destructor never throws and never hangs.
/// 11. Abort. `abort` ends the whole world: every rank's next or waiting call throws Aborted, which
///     names the rank, its host and the cause; or its process is ended by the launcher. Any thread
///     may call it, whatever the rank's own thread does meanwhile, be it inside a call; of several,
///     the first counts. It returns within 3 s, and then the others have been told, as far as they
///     can be reached. run() calls it for an uncaught exception, so that every process exits
///     non-zero and nobody hangs.
/// 12. Idle cost. A blocked wait costs next to no CPU: it spins briefly, yields, then sleeps, at
///     most 1 ms at a time where the transport cannot wake it (see WaitSettings). Short waits in a
///     row, in which nothing comes, count as one.
/// 13. Facts. `info` says the transport, its endpoints, each peer's host and pid, whether messages
///     to and from it are relayed by the master, whether links have keys, and what the transport
///     can do.
/// 14. Arrival. Where info().takes_arrivals, a new process may take the place of a departed rank
///     while the program runs. `next` reports it; from then on sends to that rank and receives from
///     it work again, and windows begin anew: what the process before had sent is still received,
///     and makes no room for the new one. Elsewhere nobody ever arrives. A receive from anyone on a
///     rank that takes arrivals waits even when nobody remains: somebody may come. Departures and
///     arrivals of a rank that are not read stay, up to three: of more processes, those in between
///     are not told of, save that a loss is told before what is none. A receive from anyone that
///     throws a loss passes over what was unread of that rank before it.
///
/// A wait may also end with Interrupted when run() has caught SIGINT or SIGTERM.
class Channel {
 public:
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  Channel(Channel&&) = delete;
  Channel& operator=(Channel&&) = delete;

  [[nodiscard]] int rank() const noexcept { return place_.rank; }
  [[nodiscard]] int size() const noexcept { return place_.size; }

  /// Sends `payload`, borrowed until the call returns. Costs one copy, or a wait for the receiver,
  /// as the backend finds cheaper. Clauses 2, 3, 5, 6, 8.
  void send(int dest, int tag, std::span<const std::byte> payload,
            Deadline deadline = Deadline::never());

  /// Sends `payload` and takes it over, whether or not the call throws. Clauses 2, 3, 5, 6, 8.
  void send(int dest, int tag, Buffer&& payload, Deadline deadline = Deadline::never());

  /// The next message of `source` with `tag`, or nothing at the deadline. Clauses 4, 5, 7, 8.
  [[nodiscard]] std::optional<Message> recv(int source, int tag,
                                            Deadline deadline = Deadline::never());

  /// As recv, into `memory`; the envelope says how many bytes were written. Clause 2.
  [[nodiscard]] std::optional<Envelope> recv_into(int source, int tag, std::span<std::byte> memory,
                                                  Deadline deadline = Deadline::never());

  /// As recv, of a message that `check` finds nothing wrong with. Clause 2.
  [[nodiscard]] std::optional<Message> recv_checked(int source, int tag, const PayloadCheck& check,
                                                    Deadline deadline = Deadline::never());

  /// As recv, with news in the same loop: what `source` (or anyone) has to say next, be it a
  /// message with `tag`, its departure or an arrival. Clauses 8 and 14. From a given source, a
  /// departure is reported each time; from anyone, once each.
  [[nodiscard]] std::optional<Event> next(int source, int tag,
                                          Deadline deadline = Deadline::never());

  /// Whether and how `rank` departed, as far as this rank has noticed. Waits for nothing, and
  /// acknowledges nothing (clause 8).
  [[nodiscard]] std::optional<Departure> departure(int rank);

  /// Clause 13. Costs a copy of the table of peers.
  [[nodiscard]] Info info() const;

  /// Clause 10. Delivers and says goodbye (bounded by the linger of the settings). Where the others
  /// need this rank, it then serves them until all have departed or `serve_until` has passed: no
  /// barrier, since elsewhere it waits for nobody. Throws nothing but Interrupted and Aborted.
  void close(Deadline serve_until = Deadline::poll());

  /// Clause 11. `what` is the cause in one line, `exit_code` what this process will exit with: the
  /// Aborted that its own calls throw says so. Over MPI this does not return.
  void abort(int exit_code, const std::string& what) noexcept;

 protected:
  struct Place {
    int rank = 0;
    int size = 1;
    std::uint64_t message_bytes_max = 0;
  };

  explicit Channel(Place place);

  /// False in a process that was forked from the one that opened the channel. Then a destructor
  /// ends nothing: threads that it would wait for, or that may hold its locks, are not there.
  [[nodiscard]] bool is_own_process() const noexcept;

  /// For abort, which is: whether some thread is inside another call just now.
  [[nodiscard]] bool in_use() const noexcept { return in_use_.load(std::memory_order_acquire); }

  /// For a backend: so many bytes of a payload were copied (Info::bytes_copied).
  void note_copied(std::size_t bytes) { bytes_copied_ += bytes; }

  // What a backend implements. Arguments were checked (clauses 5 and 6), nobody else is inside
  // (clause 9) and the channel is open (clause 10).

  virtual void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) = 0;
  /// The default copies and calls do_send.
  virtual void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                Deadline deadline);
  virtual std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) = 0;
  /// For a decorator: do_next of the channel that it stands around.
  static std::optional<Event> next_of(Channel& inner, const Wanted& wanted, Deadline deadline) {
    return inner.do_next(wanted, deadline);
  }
  virtual std::optional<Departure> do_departure(int rank) = 0;
  /// Fills what the backend knows; counts and limits are filled by info().
  [[nodiscard]] virtual Info do_info() const = 0;
  virtual void do_close(Deadline serve_until) = 0;
  /// Another thread may be inside another of these, or inside this one.
  virtual void do_abort(int exit_code, const std::string& what) noexcept = 0;

 private:
  class Use;
  void check_send(int dest, int tag, std::size_t bytes) const;
  void check_receive(int source, int tag) const;
  std::optional<Message> receive(Wanted wanted, Deadline deadline);

  Place place_;
  const unsigned process_;  // process_mark() where it was opened
  std::uint64_t messages_sent_ = 0, messages_received_ = 0;
  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0;
  std::uint64_t bytes_copied_ = 0;
  bool closed_ = false;
  mutable std::atomic<bool> in_use_{false};
};

}  // namespace rankwire
