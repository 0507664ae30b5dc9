#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "rankwire/backend/handover.hpp"
#include "rankwire/buffer.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/info.hpp"
#include "rankwire/message.hpp"

namespace rankwire {

class Progress;

/// A condition on the payload of a message. A receive with one takes only a message that meets it
/// (Channel::recv_checked).
class PayloadCheck {
 public:
  virtual ~PayloadCheck() = default;
  PayloadCheck(const PayloadCheck&) = delete;
  PayloadCheck& operator=(const PayloadCheck&) = delete;

  /// Returns what is wrong with `payload`, in words that follow "the message of rank 1 (tag 2) ".
  /// Returns an empty text if nothing is wrong; the message is then taken.
  [[nodiscard]] virtual std::string wrong_with(std::span<const std::byte> payload) const = 0;

 protected:
  PayloadCheck() = default;
};

/// What a receive asks of a backend. Programs use the functions of Channel instead.
struct Wanted {
  int source = any_source;
  int tag = any_tag;
  std::size_t bytes_max = SIZE_MAX;     ///< a larger message stays: UsageError
  const PayloadCheck* check = nullptr;  ///< a message that it refuses stays: UsageError
  /// For a receive from anyone. True: it reports ranks that left, losses and arrivals. False: only
  /// losses.
  bool all_news = false;
  /// False for a poll. A poll for a message from oneself is allowed; a wait for one is in vain.
  bool waits = true;

  [[nodiscard]] bool asks_for(int from) const { return source == from || source == any_source; }
  [[nodiscard]] bool asks_for(int from, int with) const {
    return asks_for(from) && (tag == with || tag == any_tag);
  }
  /// Whether a message that matches is taken. If not, it stays to be received.
  [[nodiscard]] bool takes(std::span<const std::byte> payload) const {
    return payload.size() <= bytes_max && (check == nullptr || check->wrong_with(payload).empty());
  }
  /// Throws the UsageError that rank `self` gets for a message that is not taken.
  [[noreturn]] void refuse(int self, const Message& message) const;
};

/// One rank's end of a world: a set of ranks that send each other messages.
///
/// THE CONTRACT. Code and tests cite its clauses by number. Every backend passes the same
/// suite, tests/conformance, which has at least one test for each clause.
///
///  1. World. The ranks of a world are 0..size()-1. Rank 0 is the master by convention. The
///     world is complete when the program's function is entered.
///
///  2. Payload. A send of a span borrows the bytes until it returns. A send of a Buffer takes
///     the Buffer over; nothing is copied on the way to the transport. A received Message owns
///     its bytes, which lie in whatever memory the transport delivered them. `recv_into`
///     receives into the caller's own memory. A message that is too large for that memory is a
///     UsageError; so is one that the check of `recv_checked` refuses. Such a message stays to
///     be received. In a steady flow rankwire allocates nothing for messages of up to
///     Buffer::inline_bytes.
///
///  3. Waiting in send. Each rank has a window towards each other rank. Outstanding are the
///     bytes that it has sent there and that the program there has not yet received, as far as
///     the sender knows, plus 64 bytes for each such message.
///     - Room. A message has room if the outstanding bytes are at most `window_bytes` with it.
///       It also has room, whatever its size, while less than a quarter of the window is
///       outstanding.
///     - Memory. Each rank has a budget (`memory_bytes`) for what it has outstanding at all others
///       together, and one for what all others have outstanding at it. If the windows to all others
///       are together more than the budget, only a share of each window is sure: half of the budget
///       by the number of the others (info().share_bytes). A message that goes beyond the share
///       also needs room in both budgets, and waits for it behind those that have waited for
///       longer. Room comes from what is received. Some messages never wait for a budget. At the
///       sender: those to one rank, while nothing is beyond the shares of others. At the receiver:
///       one of any size, while nothing else is beyond a share; and the next that a waiting receive
///       needs, from anyone after a second at most. So ranks may be received from in any order.
///       Over inproc all of each window is sure.
///     - A send of a Buffer that has room never waits for the matching receive.
///     - Credit. What a program has received makes room once its rank has reported it to the
///       sender. A rank reports at once when a sixteenth of the window or more is unreported.
///       It reports less than that some milliseconds after it began to wait, to poll in vain or
///       to ask for departures. It does not let these milliseconds pass if the sender may be held
///       up: if the unreported bytes and those of the sender's messages that wait to be received
///       are together a quarter of the window or more. It then reports as soon as it waits, polls
///       in vain, asks for departures or sends to that sender. While the program computes, clause
///       15 reports; without it nothing does, and up to a sixteenth of the window may be missing
///       meanwhile.
///     - What a rank receives from itself makes room at once.
///     - A send that must wait goes on taking in what arrives. So two ranks that both send
///       first, within the share of the window, never deadlock.
///     - At its deadline a send throws Timeout, which names the peer, the window and the
///       outstanding bytes. It has then sent nothing.
///     - A send of a span may also wait for the receiver, under the same rules.
///     - A send to oneself that has no room throws Timeout at once: nobody could make room.
///     - A send to a rank that is out of reach (clause 8) waits as it would for a slow one.
///
///  4. Order. Messages with the same source and tag are received in the order in which they
///     were sent. A receive with wildcards gets the earliest arrival that matches. The
///     departures and arrivals that `next` and `recv` report have their place in this order. No
///     source can starve another.
///
///  5. Matching. A receive names a source or any_source, and a tag or any_tag. User tags are
///     0..tag_max. Any other rank or tag is a UsageError, thrown before anything happens.
///     Matching costs the same, however many other messages wait to be received.
///
///  6. Edge sizes. Empty messages and messages to oneself are legal. Payloads above 2 GiB work
///     where there is memory for them. Both sides check `message_bytes_max` before a byte
///     moves.
///
///  7. Deadlines. Every call that waits takes a deadline. `recv` returns nothing at its
///     deadline. A deadline in the past makes a call poll. A call ends within 100 ms of its
///     deadline, whatever arrives meanwhile, as far as the machine lets it run. It ends as soon
///     after a signal (Interrupted) or an abort. A timeout leaves the channel whole. A send
///     that has waited for 5 s says so once, in a line of the log. So does the first receive of
///     a channel that has waited so long.
///
///  8. Departure. A rank that closes has `left`. A rank is `lost` when it dies; and over zmq, and
///     over mpi where the launcher lets the others live, when it has given no sign of life for the
///     grace of the settings. The channel gives signs by itself where it has progress (clause 15).
///     A rank without that is not lost because it computes.
///     If a rank comes back in time, no message is lost, repeated or reordered. A rank that comes
///     back too late is told by PeerLost that it was given up.
///     - A receive from a departed rank first delivers the messages that arrived. After them it
///       throws PeerLeft or PeerLost, at once and each time. So does every send to that rank.
///     - A receive from anyone throws PeerLost the first time that it notices a lost rank. This
///       acknowledges the loss: later receives go on with those who remain. When nobody
///       remains, it throws instead of waiting.
///     - No receive ever waits for a message that cannot come. One that would wait for a
///       message from oneself is a UsageError.
///     - `next` reports departures of both kinds as values, each once. `departure` answers for
///       one rank and acknowledges nothing.
///
///  9. Threads. One thread uses a channel at a time. A call that enters while another thread is
///     inside a call is a UsageError, and leaves the other call undisturbed; abort is excepted.
///     Two calls that enter in the same instant may both pass, except in debug builds. A
///     channel belongs to the process that opened it. In a process forked from that one, calls
///     are a UsageError, while close, abort and the destructor do nothing. Neither the rank nor
///     the others notice anything of such a process.
///
/// 10. Close. `close` delivers what was accepted: it waits until the others have taken it in, at
///     most the linger; up to twice the linger where the transport still has something to hand
///     over at the end. Over zmq a rank may have to connect to others yet; the linger begins anew
///     with each that it reaches, and is up to five times longer on a host of 48 ranks and more. It
///     does not wait for their programs, where they have progress (clause 15). To each rank the
///     goodbye follows the last byte. The others need some ranks for their own messages and
///     goodbyes: over zmq the master, over mpi every rank. Such a rank then serves them until all
///     have departed or its deadline has passed; so long, what they have not taken in stays
///     deliverable. A rank that gets less than was sent to it sees a loss. Any other rank returns
///     at once, so close is no barrier. A second close does nothing. Any other use of a closed
///     channel is a UsageError, except info(). A channel that is destroyed without close ends as if
///     its process had died: the others see it lost. The destructor never throws and never hangs.
///
/// 11. Abort. `abort` ends the whole world. On every rank the waiting or next call throws
///     Aborted, which names the rank that aborted, its host and the cause; or the launcher ends
///     that rank's process. Any thread may call abort, whatever the rank's own thread does
///     meanwhile, even inside a call. The first of several aborts counts. abort returns within
///     3 s. By then the others have been told, as far as they can be reached. run() calls abort
///     for an uncaught exception, so that every process exits non-zero and nobody hangs.
///
/// 12. Idle cost. A blocked wait costs next to no CPU: it spins briefly, then yields, then
///     sleeps. Where the transport cannot wake it, it sleeps for at most 1 ms at a time (see
///     WaitSettings). A loop of short waits is treated as one wait until something comes.
///
/// 13. Facts. `info` gives the transport and its endpoints, each peer's host and pid, whether
///     the master relays the messages to and from that peer, whether links have keys, and what
///     the transport can do. In a world of more than 1024 ranks, a rank may know nothing of a
///     peer to which it has sent nothing.
///
/// 14. Arrival. Where info().takes_arrivals, a new process may take the place of a departed
///     rank while the program runs. Elsewhere nobody ever arrives.
///     - `next` reports the arrival. From then on sends to that rank and receives from it work
///       again, with new windows. What the process before had sent is still received; it makes
///       no room for the new one.
///     - On a rank that takes arrivals, a receive from anyone waits even when nobody remains:
///       somebody may come.
///     - News (departures and arrivals) that were not read stay, up to three for each rank. When
///       a fourth comes, a process that came and went in between is left out: its arrival and its
///       departure. A loss is kept in preference to other news.
///     - A receive from anyone that throws a loss discards older unread news of that rank.
///
/// 15. Progress. Where info().progress, a channel goes on while its program computes, outside of
///     all calls, as it would in a call that waits: within 100 ms of when that call would have done
///     so, as far as the machine lets it run.
///     - What a send has accepted goes out. What arrives is taken in, as far as the windows let it
///       come, and is acknowledged. Room that the program has made is reported.
///     - Departures, losses, arrivals and aborts are noticed, and told to the others. A master
///       relays and looks after callers.
///     - The program learns of all this by its next call. An error is thrown by that call.
///     A thread of the channel does this (not over inproc, which needs none). It is never inside
///     together with a call of the program; a call waits for it for microseconds. Settings turn it
///     off. A program that calls the transport's library itself, as MPI, keeps it out by a Use.
///
/// Where run() has caught SIGINT or SIGTERM, any wait may end with Interrupted.
class Channel {
 public:
  class Use;

  virtual ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  Channel(Channel&&) = delete;
  Channel& operator=(Channel&&) = delete;

  [[nodiscard]] int rank() const noexcept { return place_.rank; }
  [[nodiscard]] int size() const noexcept { return place_.size; }

  /// Sends `payload`, which is borrowed until the call returns. Costs one copy or a wait for the
  /// receiver, whichever the backend finds cheaper. Clauses 2, 3, 5, 6, 8.
  void send(int dest, int tag, std::span<const std::byte> payload,
            Deadline deadline = Deadline::never());

  /// Sends `payload` and takes it over, even if the call throws. Clauses 2, 3, 5, 6, 8.
  void send(int dest, int tag, Buffer&& payload, Deadline deadline = Deadline::never());

  /// The next message of `source` with `tag`, or nothing at the deadline. Clauses 4, 5, 7, 8.
  [[nodiscard]] std::optional<Message> recv(int source, int tag,
                                            Deadline deadline = Deadline::never());

  /// Like recv, but writes the payload into `memory`. The envelope says how many bytes were
  /// written. Clause 2.
  [[nodiscard]] std::optional<Envelope> recv_into(int source, int tag, std::span<std::byte> memory,
                                                  Deadline deadline = Deadline::never());

  /// Like recv, but takes the message only if `check` finds nothing wrong with it. Clause 2.
  [[nodiscard]] std::optional<Message> recv_checked(int source, int tag, const PayloadCheck& check,
                                                    Deadline deadline = Deadline::never());

  /// The next event of `source`, or of anyone: a message with `tag`, a departure or an arrival. One
  /// loop can so handle messages and news. Asked for one source, it reports that rank's departure
  /// each time; asked for anyone, it reports each departure once. Clauses 8 and 14.
  [[nodiscard]] std::optional<Event> next(int source, int tag,
                                          Deadline deadline = Deadline::never());

  /// Whether and how `rank` departed, as far as this rank has noticed. Does not wait, and
  /// acknowledges nothing (clause 8).
  [[nodiscard]] std::optional<Departure> departure(int rank);

  /// Clause 13. Costs a copy of the table of peers.
  [[nodiscard]] Info info() const;

  /// Delivers what was accepted and says goodbye, within the linger of the settings. A rank that
  /// the others need then serves them until all have departed or `serve_until` has passed. Any
  /// other rank waits for nobody. Throws nothing but Interrupted and Aborted. Clause 10.
  void close(Deadline serve_until = Deadline::poll());

  /// Ends the world. `what` is the cause in one line. `exit_code` is the code with which this
  /// process is to exit; the Aborted that its own calls throw has it. Does not return over MPI.
  /// Clause 11.
  void abort(int exit_code, const std::string& what) noexcept;

 protected:
  struct Place {
    int rank = 0;
    int size = 1;
    std::uint64_t message_bytes_max = 0;
  };

  explicit Channel(Place place);

  /// False in a process that was forked from the one that opened the channel. A destructor must
  /// then end nothing: the threads that it would wait for, or that hold its locks, do not exist
  /// there.
  [[nodiscard]] bool is_own_process() const noexcept;

  /// Whether some thread is inside the channel now: in a call, or the channel's own (clause 15).
  /// Calls of abort do not count.
  [[nodiscard]] bool in_use() const noexcept { return handover_.in_call() || handover_.is_taken(); }

  /// Starts the thread that calls do_progress() while the program is outside of the channel (clause
  /// 15). To be called at the end of the backend's constructor, if at all. Returns whether it did.
  bool start_progress();
  /// Ends that thread. To be called at the beginning of the backend's destructor. close() has done
  /// so already.
  void stop_progress() noexcept;
  /// Whether do_progress() should return soon, since the program waits. False in a call.
  [[nodiscard]] bool is_wanted() const noexcept { return handover_.is_wanted(); }

  /// A backend reports here the bytes of payloads that it copies (Info::bytes_copied).
  void note_copied(std::size_t bytes) { bytes_copied_ += bytes; }

  // A backend implements the following functions. When one is called, the arguments have been
  // checked (clauses 5 and 6), no other thread is inside (clause 9) and the channel is open (clause
  // 10).

  virtual void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) = 0;
  /// By default copies the payload and calls do_send.
  virtual void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                Deadline deadline);
  virtual std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) = 0;
  /// Calls do_next of `inner`. For a channel that wraps another one.
  static std::optional<Event> next_of(Channel& inner, const Wanted& wanted, Deadline deadline);
  virtual std::optional<Departure> do_departure(int rank) = 0;
  /// Fills in what the backend knows. info() adds the counts and limits.
  [[nodiscard]] virtual Info do_info() const = 0;
  virtual void do_close(Deadline serve_until) = 0;
  /// Another thread may be inside any of these functions meanwhile, this one included.
  virtual void do_abort(int exit_code, const std::string& what) noexcept = 0;
  /// Moves on what needs no call of the program (clause 15). Called by the channel's own thread,
  /// while nobody is inside. Takes a bounded time, and ends soon if is_wanted(). Returns whether
  /// there was something to do. What it throws, the program's next call throws.
  virtual bool do_progress() { return false; }
  /// Called after do_progress(), in the same way. A file that can be read when there is something
  /// to do again for do_progress(), or -1. One that is closed meanwhile costs a look in vain.
  [[nodiscard]] virtual int do_progress_file() const { return -1; }
  /// A Use of the program begins: do_progress() is not called until it ends.
  virtual void do_stay_out() {}

 private:
  class Call;

  void check_send(int dest, int tag, std::size_t bytes) const;
  void check_receive(int source, int tag) const;
  void check_usable(const char* what) const;
  bool move_on() noexcept;
  std::optional<Message> receive(Wanted wanted, Deadline deadline);

  Place place_;
  const unsigned process_;  // process_mark() of the process that opened it
  std::uint64_t messages_sent_ = 0, messages_received_ = 0;
  std::uint64_t bytes_sent_ = 0, bytes_received_ = 0;
  std::uint64_t bytes_copied_ = 0;
  bool closed_ = false;
  std::exception_ptr fault_;  // what do_progress() has thrown; no call but close goes on then
  mutable Handover handover_;
  std::unique_ptr<Progress> progress_;  // null: there is no thread, or it has ended
};

/// Marks a channel as in use while it lives (clause 9): other calls are refused, and the channel's
/// own thread stays out (clause 15). Throws UsageError if another call is inside.
class Channel::Call {
 public:
  explicit Call(const Channel& channel);
  ~Call() { channel_.handover_.leave(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  const Channel& channel_;
};

/// The same for a program that calls the transport's library itself: MPI lets in one thread at a
/// time. It may last: nobody takes the rank for lost because of it.
class Channel::Use {
 public:
  explicit Use(Channel& channel);

 private:
  Call call_;
};

}  // namespace rankwire
