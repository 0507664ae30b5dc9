#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "keys/keyring.hpp"
#include "protocol/protocol.hpp"
#include "protocol/spare_blocks.hpp"
#include "rankwire/deadline.hpp"
#include "reach/address.hpp"
#include "reach/endpoint.hpp"
#include "sockets/carrier.hpp"
#include "sockets/doorman.hpp"
#include "sockets/gate.hpp"
#include "sockets/gatekeeper.hpp"
#include "sockets/log_limit.hpp"
#include "sockets/monitor.hpp"
#include "sockets/readiness.hpp"
#include "sockets/silence.hpp"
#include "sockets/socket_file.hpp"

namespace rankwire::zmq_wire {

/// A dialer sends something at least this often.
inline constexpr int ping_interval_max_ms = 1000;

/// The time for a handshake with a worker, in a large world for whoever dials as well. All workers
/// may call it at once; its host is then busy with handshakes, and would be busier if they had to
/// be made twice.
inline constexpr int workers_handshake_ms = 15'000;

/// About how many files one Wire has open, besides those of its connections.
inline constexpr std::size_t files_of_wire = 20;

/// What has happened at a Wire: a frame has come, or the state of a connection has changed.
struct Incoming {
  enum class What : std::uint8_t {
    frame,   ///< a frame of rankwire has come; its header was checked
    up,      ///< a dialed connection stands (again); see `anew`
    failed,  ///< a dialed connection came about, but its handshake failed; see `key_refused`
    down     ///< a connection broke that stood; all that came over it was reported before
  };
  What what = What::frame;
  ConnectionId connection = 0;
  Header header{};
  zmq::message_t first{};  ///< the first part: the header and the body
  zmq::message_t chunk{};  ///< the second part, if has_chunk
  bool has_chunk = false;
  bool exited = false;  ///< down: the process at the other end has exited (known over ipc only)
  bool key_refused = false;  ///< failed: the other side does not list our key
  bool anew = false;         ///< up: an earlier connection stood or failed; what was sent is lost
  bool deferred = false;     ///< receive() returned it before, and defer() put it back
  Deadline waits_until = Deadline::never();  ///< a hello without a place: how long it waits for one

  [[nodiscard]] std::span<const std::byte> body() const {
    return body_in({static_cast<const std::byte*>(first.data()), first.size()});
  }
};

/// The sockets of one rank: at most one that listens (ROUTER), any number that dialed (DEALER), and
/// the monitors that report events of their connections. The Wire turns them into connections that
/// carry messages and end. It knows nothing of ranks. One thread at a time uses it: the one that
/// has the turn. Meanwhile libzmq's own thread keeps the heartbeats going.
///
/// Each attempt to connect is a socket of its own, and its connection has a routing id of its own,
/// which the listener makes. So two connections are never confused, even if this process hears late
/// that the first has ended. A caller says who it is in its first message. (libzmq can also dial
/// again by itself. But then it first sends what was left of the old connection over the new one.
/// And an id shared by both must be handed over, which loses one of them if the listener is late.)
///
/// No socket has a high-water mark: with heartbeats on, libzmq 4.3.4 aborts the process when a
/// receive queue is full. The channel's windows bound the memory instead.
///
/// A connection that this process dialed keeps its number: when it breaks, it is dialed again, and
/// `down` and `up` report its state. The number of a caller is good for one connection: `down` ends
/// it, and a caller that calls again gets another number.
///
/// The fuzzers link another Wire in place of this one (tests/fuzz/fake_wire.cpp). It implements the
/// public functions without sockets.
class Wire final : public Carrier {
 public:
  /// Ends a connection over which nothing comes for `silence_max` (see Silence). It looks for that
  /// in receive(). Between two calls, libzmq ends a dialed connection when the other side's system
  /// acknowledges nothing of what is sent. With keys, every process that this one dials or that
  /// calls it needs keys, too.
  Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys);
  /// Waits until the systems at the other ends have all that was sent, then ends all connections.
  /// Waits at most 1 s, or for the linger if that is longer (see set_linger). What was sent to a
  /// dialed connection that does not stand yet is awaited for the linger only.
  ~Wire() override;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Thousands will call. From now on a connection takes less memory, and a small message a copy
  /// more. To be called before anything listens or dials.
  void expect_thousands();

  /// Whether the Wire carries the connection `number`, if there is one.
  [[nodiscard]] static bool has(ConnectionId number) { return number < wire_numbers_end; }

  /// Binds all of `addresses` at one port of `ports` (see bind_all), and returns the endpoints.
  /// Throws UsageError if that is not possible. Call it once. `for_all`: listens as the master, and
  /// gives handshakes less time.
  std::vector<std::string> listen(const std::vector<Address>& addresses, PortRange ports,
                                  bool for_all);
  /// Listens over ipc: as the master at `path`, or as a worker of the master there (see
  /// SocketFile).
  std::string listen_as_master(const std::string& path);
  std::string listen_as_worker_of(const std::string& master_path);
  /// Closes the listener: new callers are refused, and connections of callers are ended.
  void stop_listening();
  /// The largest piece of a payload that the listener takes. It is larger if no other host can
  /// reach the listener.
  [[nodiscard]] std::uint64_t piece_bytes() const { return piece_bytes_; }

  /// Begins to connect to a numeric address or a path; `up` follows when the connection stands.
  /// While receive() is called, it tries again whenever the connection breaks or does not come
  /// about. A frame above `frame_bytes_max` from the other side ends the connection. `listener_key`
  /// is the public key of another worker's listener; leave it empty for the master.
  ConnectionId dial(const std::string& address, std::int64_t frame_bytes_max,
                    const std::string& listener_key = {});
  [[nodiscard]] bool has_keys() const { return keys_.has_value(); }
  /// From now on, all that are dialed or call are workers of a world of `ranks` ranks. In a large
  /// world fewer PINGs are sent to them, and it takes longer until silence counts.
  void expect_workers(int ranks);
  /// This host has so many ranks. If they are many, it is so busy at times that it takes longer
  /// until silence counts on any connection, those that stand included.
  void share_host(int ranks);
  /// The public key that others need to dial this listener. Empty without keys.
  [[nodiscard]] std::string listener_key() const {
    return keys_ ? keys_->listener.public_key : std::string{};
  }

  /// Sends one frame: the header and a copy of the body. Returns false if the connection does not
  /// stand; the frame is then dropped. (A dialed connection keeps frames during its first attempt,
  /// until it stands.)
  bool send(ConnectionId to, const Header& header, std::span<const std::byte> body);
  /// Sends a frame that is already built, without a copy. If `chunk` is not null, it is the second
  /// part.
  bool send(ConnectionId to, zmq::message_t&& first, zmq::message_t* chunk);
  void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) override {
    send(over & ~back_bit, std::move(first), chunk);
  }

  // Callers. A caller is a stranger until one of the next functions is called for it. The
  // connection of a stranger ends if it stays for long or sends much (Doorman), or if it sends
  // anything but a few hellos and links.

  /// The caller waits for a place. It may stay, but send no more than a stranger.
  void let_in(ConnectionId caller);
  /// The caller belongs to this world, or may belong to it. receive() returns all its frames.
  void listen_to(ConnectionId caller);
  /// The caller was told that it does not belong here. receive() returns no more of its frames, and
  /// its connection ends once it has had time to read the answer.
  void bid_farewell(ConnectionId caller);
  /// Ends the connection of a caller that is no rank; `down` follows. Many such callers make it
  /// hard to call again (Gate).
  void show_out(ConnectionId caller);
  /// Ends a connection and forgets it. Nothing more comes from it, not even `down`, and what was
  /// not sent yet is dropped.
  void hang_up(ConnectionId connection);
  /// The numeric address of a caller's host; empty if it is not known. Over ipc the caller's
  /// process: "pid 4711".
  [[nodiscard]] std::string host_of(ConnectionId caller) const;
  /// The user whose process listens at the other end of a dialed connection. Known over ipc, while
  /// the connection stands.
  [[nodiscard]] std::optional<uid_t> user_at(ConnectionId dialed) const;

  /// The next thing that has happened, or nothing at the deadline. Throws Interrupted.
  std::optional<Incoming> receive(Deadline deadline);

  /// A file that can be read when receive() may have something to return, once it returned nothing.
  [[nodiscard]] int file() const { return readiness_.file(); }

  /// What has come over a connection, frames that are not complete yet included. Nothing over one
  /// that has ended. Costs a few system calls.
  [[nodiscard]] StreamConnection::Come bytes_come(ConnectionId connection) const;

  /// Puts a frame back, behind all that is ready now. Only once for each frame.
  void defer(Incoming&& incoming) {
    incoming.deferred = true;
    ready_.push_back(std::move(incoming));
  }

  /// Sets how long the destructor may wait; 1 s unless set. A frame to a process that has gone
  /// makes it wait that long: set 0 if nothing is left to send.
  void set_linger(std::chrono::milliseconds linger) { linger_ = linger; }
  /// Before a wait sleeps, it looks again and again for this time, and yields the core in between.
  void set_yield(std::chrono::microseconds yield) { yield_ = yield; }
  /// Whether receive() throws Interrupted: not while the process is ending already, nor in the
  /// channel's own thread. Returns whether it did so far.
  bool heed_interrupts(bool heeds) { return std::exchange(interruptible_, heeds); }

  /// Counts a frame that was not taken. Logs it, once for each connection. Shows a stranger out.
  void count_dropped(ConnectionId connection, std::string_view why);
  [[nodiscard]] std::uint64_t frames_dropped() const { return frames_dropped_; }
  /// Limits the log lines about callers that are refused for what they say.
  [[nodiscard]] LogLimit& refusals() { return refusals_; }

 private:
  /// A socket of libzmq and the monitor of its connections.
  struct Ends {
    Ends(zmq::context_t& context, zmq::socket_type type)
        : socket{context, type}, monitor{context, socket} {}
    zmq::socket_t socket;
    Monitor monitor;
    std::vector<Readiness::Entry> watched;  // the descriptors of both
  };
  /// A connection that this process dials: how to dial it, and the state of the current attempt.
  struct Dialing {
    std::string address;
    std::int64_t frame_bytes_max = 0;
    std::string listener_key;
    bool of_worker = false;
    bool first = true;    // the first attempt: frames wait in its socket until it stands
    bool stands = false;  // its handshake has succeeded
    bool failure_told = false;
    int descriptor = -1;
    std::optional<StreamConnection> file;  // while it stands
    // Set when the attempt has ended. Until then libzmq's thread may still hand over what had come.
    Deadline over_at = Deadline::never();
    Deadline next_at = Deadline::never();  // when the next attempt is made
    std::chrono::milliseconds pause{0};    // before the next attempt
  };
  /// The listener, or a connection that was dialed.
  struct Source {
    ConnectionId dialed = 0;  // 0: this is the listener
    std::unique_ptr<Ends> ends;
    Dialing dialing{};
    // Nothing can be read until its descriptor becomes readable: the socket was found empty, and
    // neither sent nor gave anything since.
    bool quiet = true;
    bool listed = false;  // it is in awake_
    bool skips = false;   // it skips the rest of a frame that has too many parts
    // Only for the listener. libzmq reads its connections in turn. A sweep is over when so many
    // frames were read that each connection has had its turn. A sweep may have begun before
    // something came, so that was surely read two sweeps later. If the socket is found empty, all
    // was read, which counts as two sweeps.
    std::uint64_t sweeps = 0;
    std::uint64_t read_since_sweep = 0;  // frames read in this sweep
    std::uint64_t read = 0;              // frames read in all

    [[nodiscard]] zmq::socket_t& socket() const { return ends->socket; }
  };
  enum class Standing : std::uint8_t {
    stranger,
    waits,      // it waits for a place
    answered,   // it was told that it does not belong here
    shown_out,  // its connection was ended; frames that had come are thrown away
    hung_up,    // the same, and its end is not reported
    belongs     // it belongs to this world, or was dialed
  };
  struct Connection {
    Source* source = nullptr;
    std::string routing_id;  // only of a caller
    std::string address;     // for the log
    bool drop_logged = false;
    Standing standing = Standing::belongs;
    int words = 0;        // hellos and links that came before it belongs
    int descriptor = -1;  // of a caller: the descriptor that its file has or had
    bool exited = false;  // the process at the other end has, as far as is known
    bool closed = false;  // it has ended, and libzmq has handed over all its frames
    Deadline closed_by = Deadline::never();  // when it counts as closed in any case
    // Source::read and sweeps when its last frame was read, or it was found closed.
    std::uint64_t read_before = 0, sweeps_before = 0;
  };
  /// The file of an accepted connection that has not ended, as far as is known.
  struct Accepted {
    // The callers that have had its descriptor, the latest last. The earlier ones have ended, which
    // is not known yet.
    std::vector<ConnectionId> callers;
    std::optional<StreamConnection> file;
  };
  /// Allows a lookup by string_view, without making a string.
  struct HashOfId {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>{}(id); }
  };

  static constexpr int messages_at_once = 256;

  void set_up(zmq::socket_t& socket, std::int64_t frame_bytes_max) const;
  void look_after_strangers();
  void note_exited(int descriptor);
  bool pump(Deadline deadline);
  Readiness::Reports look_and_yield();
  bool wait_and_read(Deadline deadline);
  void read_monitor(Source& source);
  void take_reports(const Readiness::Reports& reports);
  void drain(Source& source, int messages_max);
  bool read_message(Source& source);
  bool skip_rest(Source& source);
  static void note_sweep(Source& source, std::uint64_t count);
  [[nodiscard]] static bool is_readable(Source& source);
  [[nodiscard]] bool is_any_readable();
  void watch(Source& source);
  void wake(Source& source);
  void forget_ready(ConnectionId connection);
  [[nodiscard]] std::uint64_t reads_of_a_sweep() const;

  // wire_dialing.cpp: connections that this process dials.
  void attempt(Source& source);
  [[nodiscard]] std::chrono::milliseconds silence_of(const Dialing& dialing) const;
  void dialed_event(Source& source, const Monitor::Event& event);
  void attempt_ended(Source& source);
  void look_after_attempts();
  void look_after_attempt(Source& source);
  void hang_up_dialed(ConnectionId connection, Source& source);

  // wire_closing.cpp: how the Wire ends.
  void hand_over();
  void await_begun(Deadline deadline);
  [[nodiscard]] bool has_handed_over(bool given_up) const;
  void end_callers();
  static void end_dialed(Source& source);

  // wire_listening.cpp: where the Wire listens.
  void listen_by(const std::function<void(zmq::socket_t&)>& bind);
  std::string listen_at(SocketFile&& file);
  void guard(zmq::socket_t& listener);
  [[nodiscard]] std::chrono::milliseconds caller_silence() const;

  // wire_callers.cpp: the callers.
  void listener_event(const Monitor::Event& event);
  [[nodiscard]] std::optional<StreamConnection> file_of_caller(int descriptor) const;
  void note_wordless(int descriptor);
  [[nodiscard]] bool is_heard(ConnectionId caller, const std::optional<Header>& header);
  ConnectionId caller_of(const zmq::message_t& routing_id, zmq::message_t& frame);
  [[nodiscard]] Connection* caller_at(ConnectionId caller);
  void now_stands(ConnectionId caller, Connection& connection, Standing standing);
  [[nodiscard]] bool has_file(ConnectionId caller, const Connection& connection) const;
  void watch_over(const Connection& connection);
  void watch_stranger(int descriptor);
  void watch_rank(int descriptor, std::chrono::milliseconds silence_max);
  void end_file(int descriptor);
  void ended_at(int descriptor);
  void has_ended(ConnectionId caller);
  void emit_downs();
  bool emit_down(ConnectionId id);
  [[nodiscard]] bool is_closed(const Connection& connection);

  std::chrono::milliseconds silence_max_;
  int patience_ = 1;  // how many times longer silence takes to count on a host of many ranks
  int crowd_ = 0;     // ranks / ranks_few, at least 1; 0: only the master is dialed
  std::optional<Keyring> keys_;
  std::chrono::milliseconds linger_{1000};
  bool interruptible_ = true;
  std::chrono::microseconds yield_{0};
  int waits_without_yield_ = 0;  // that many waits do not yield
  zmq::context_t context_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  SocketFile file_;                 // of the listener over ipc
  std::vector<std::string> bound_;  // where it listens
  Readiness readiness_;
  std::unique_ptr<Source> listener_;
  std::uint64_t piece_bytes_ = piece_bytes_min;
  std::vector<std::unique_ptr<Source>> dialed_;
  std::vector<Source*> awake_;  // sources that are not quiet, and some that became so
  std::unordered_map<ConnectionId, Connection> connections_;
  std::unordered_map<std::string, ConnectionId, HashOfId, std::equal_to<>>
      callers_;                                 // by routing id
  std::unordered_map<int, Accepted> accepted_;  // by descriptor
  Doorman doorman_;
  Gate gate_;
  Silence silence_;
  std::vector<ConnectionId> downs_;  // callers that have ended, which was not reported yet
  Deadline next_attempt_look_ = Deadline::never();  // when to look after dialed connections
  SpareBlocks spares_;
  std::pmr::deque<Incoming> ready_{&spares_};
  bool hung_up_in_handshake_ = false;  // the next end that the listener's monitor reports is known
  // Callers whose handshake succeeded and of which nothing was read yet. libzmq does not say which
  // callers these are.
  int handshakes_done_ = 0;
  bool word_unanswered_ = false;  // ready_ has a hello or link that must be answered first
  ConnectionId last_id_ = 0;
  std::uint64_t frames_dropped_ = 0;
  LogLimit handshakes_failed_{10}, drops_{20}, refusals_{20};
};

}  // namespace rankwire::zmq_wire
