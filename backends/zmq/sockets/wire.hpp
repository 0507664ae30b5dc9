#pragma once

#include <poll.h>

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
#include "sockets/silence.hpp"
#include "sockets/socket_file.hpp"

namespace rankwire::zmq_wire {

/// How often a dialer says at least something.
inline constexpr int ping_interval_max_ms = 500;

/// Files that one Wire has open, about, besides those of its connections.
inline constexpr std::size_t files_of_wire = 20;

/// What a Wire has to say next.
struct Incoming {
  enum class What : std::uint8_t {
    frame,   ///< a message of ours, its header checked
    up,      ///< a dialed connection stands (again); see anew
    failed,  ///< a dialed connection came, and no handshake with it; see key_refused
    down     ///< a connection that stood broke; everything that came over it was given out before
  };
  What what = What::frame;
  ConnectionId connection = 0;
  Header header{};
  zmq::message_t first{};  ///< the header's frame, its body included
  zmq::message_t chunk{};  ///< a second frame, where there is one
  bool has_chunk = false;
  bool exited = false;       ///< down: the process over there has exited (known over ipc only)
  bool key_refused = false;  ///< failed: our key is not listed there
  bool anew = false;         ///< up: not the first attempt; what was sent before this is lost
  bool deferred = false;     ///< given out before, and put behind what waited then
  Deadline waits_until = Deadline::never();  ///< a hello that has no place, for one

  [[nodiscard]] std::span<const std::byte> body() const {
    return body_in({static_cast<const std::byte*>(first.data()), first.size()});
  }
};

/// The sockets of one rank: at most one that listens (ROUTER), any number that dialed (DEALER), and
/// the monitors that tell of their connections. Turns all of it into connections that carry
/// messages and end, and knows nothing of ranks. Used by one thread; libzmq's own thread keeps the
/// heartbeats going meanwhile.
///
/// Each attempt to connect is a socket of its own, and its connection has a routing id of its own,
/// which the listener makes. So two connections are never taken for one, however late this process
/// hears of the end of the first; who calls is told by what they say. (libzmq can dial again by
/// itself: then what was left of the old connection is said first over the new one, and an id that
/// both have must be handed over, which loses one of them where the listener is late.)
///
/// Neither side of a socket has a high-water mark: with heartbeats on, libzmq 4.3.4 aborts the
/// process when its receive queue is full. Memory is bounded by the channel's windows instead.
///
/// Who was dialed is dialed again when the connection breaks, and keeps its number: `down` and `up`
/// tell of its state. A caller has a number for one connection: `down` is the end of it, and who
/// calls again has another.
///
/// The fuzzers link another Wire in place of this one (tests/fuzz/fake_wire.cpp): it implements
/// what is public here, without sockets.
class Wire final : public Carrier {
 public:
  /// A connection over which nothing comes for `silence_max` (see Silence) is ended; that is looked
  /// at while receive() is called. In between, a dialed one ends when nothing arrives of what is
  /// sent.
  /// With keys, everybody whom this process dials or who calls it needs keys, too.
  Wire(std::chrono::milliseconds silence_max, std::optional<Keyring> keys);
  /// Waits until the other sides' systems have all that was sent, for the linger (1 s unless set)
  /// at most, and for 1 s at connections that stand; then ends all connections.
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Binds all of `addresses` at one port of `ports` (see bind_all), and gives the endpoints bound.
  /// Throws UsageError when that cannot be. Once.
  /// `for_all`: as the master, which says something to callers by itself (see Silence), and bounds
  /// their handshakes closely.
  std::vector<std::string> listen(const std::vector<Address>& addresses, PortRange ports,
                                  bool for_all);
  /// The same over ipc, as the master at `path` or as a worker of the one there (see SocketFile).
  std::string listen_as_master(const std::string& path);
  std::string listen_as_worker_of(const std::string& master_path);
  /// Whoever calls from now on is refused, and those who have called are hung up on.
  void stop_listening();
  /// The largest piece of a payload that is taken there: more where no other host comes in.
  [[nodiscard]] std::uint64_t piece_bytes() const { return piece_bytes_; }

  /// Begins to connect to a numeric address, or a path; `up` follows when it stands. When it
  /// breaks, or does not come about, that is tried again and again while receive() is called.
  /// Frames above `frame_bytes_max` from there end the connection. `listener_key` is the public key
  /// of another worker's listener; without, the master's is meant.
  ConnectionId dial(const std::string& address, std::int64_t frame_bytes_max,
                    const std::string& listener_key = {});
  [[nodiscard]] bool has_keys() const { return keys_.has_value(); }
  /// From now on whoever is dialed, or calls, is one of many workers of `ranks` ranks: PINGs to
  /// them are fewer in large worlds, and it takes longer until silence counts.
  void expect_workers(int ranks);
  /// The public key that others need to dial this listener; empty without keys.
  [[nodiscard]] std::string listener_key() const {
    return keys_ ? keys_->listener.public_key : std::string{};
  }

  /// One frame: header and body, copied. False: no connection stands; the frame is dropped. (The
  /// first attempt of one that was dialed keeps it for when it stands.)
  bool send(ConnectionId to, const Header& header, std::span<const std::byte> body);
  /// A frame that is built, and its second part where `chunk` is not null, without a copy.
  bool send(ConnectionId to, zmq::message_t&& first, zmq::message_t* chunk);
  void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) override {
    send(over, std::move(first), chunk);
  }

  /// Until one of these is said, a caller is a stranger: its connection is ended when it stays for
  /// long or sends much (Doorman), and when it says anything but a few hellos and links.
  /// A caller waits for a place: it may stay, with as little to say.
  void let_in(ConnectionId caller);
  /// A caller proves to be of this world, or may be: what it says is given out.
  void listen_to(ConnectionId caller);
  /// A caller was told that it does not belong here: nothing more of it is given out, and its
  /// connection ends once it can have read that.
  void bid_farewell(ConnectionId caller);
  /// Ends the connection of a caller that is no rank's; `down` follows. More than some such make
  /// it hard to call again (Gate).
  void show_out(ConnectionId caller);
  /// Ends a connection and forgets it: nothing more comes from it, and what was not sent yet is
  /// dropped.
  void hang_up(ConnectionId connection);
  /// Numeric address of the host that a caller called from; empty when not known. Over ipc it is
  /// the process, "pid 4711".
  [[nodiscard]] std::string host_of(ConnectionId caller) const;
  /// Of a dialed connection that stands, over ipc: the user whose process listens there.
  [[nodiscard]] std::optional<uid_t> user_at(ConnectionId dialed) const;

  /// The next thing that happened, or nothing at the deadline. Throws Interrupted.
  std::optional<Incoming> receive(Deadline deadline);

  /// Puts a frame behind everything that is ready now; once a frame.
  void defer(Incoming&& incoming) {
    incoming.deferred = true;
    ready_.push_back(std::move(incoming));
  }

  /// How long the destructor may wait. A message to one that has gone makes it wait to the end:
  /// where nothing is left to send, say so.
  void set_linger(std::chrono::milliseconds linger) { linger_ = linger; }
  /// Before a wait sleeps it looks again and again for so long, and yields the core in between.
  void set_yield(std::chrono::microseconds yield) { yield_ = yield; }
  /// From now on receive() does not throw Interrupted: this process is ending already.
  void ignore_interrupts() { interruptible_ = false; }

  /// Counts a frame that is not taken, and logs it, once a connection. A stranger is shown out.
  void count_dropped(ConnectionId connection, std::string_view why);
  [[nodiscard]] std::uint64_t frames_dropped() const { return frames_dropped_; }
  /// Of those who are refused for what they say.
  [[nodiscard]] LogLimit& refusals() { return refusals_; }

 private:
  /// A socket of libzmq, and what tells of its connections.
  struct Ends {
    Ends(zmq::context_t& context, zmq::socket_type type)
        : socket{context, type}, monitor{context, socket} {}
    zmq::socket_t socket;
    Monitor monitor;
  };
  /// How to dial, and how the attempt goes that is made now.
  struct Dialing {
    std::string address;
    std::int64_t frame_bytes_max = 0;
    std::string listener_key;
    bool of_worker = false;
    bool first = true;    // what is sent waits in this attempt until it stands
    bool stands = false;  // its handshake has succeeded
    bool failure_told = false;
    int descriptor = -1;
    std::optional<StreamConnection> file;  // while it stands
    // It has ended; libzmq's thread may not have handed over yet what had come before.
    Deadline over_at = Deadline::never();
    Deadline next_at = Deadline::never();  // for the next attempt
    std::chrono::milliseconds pause{0};    // before it
  };
  /// The listener, or one that was dialed.
  struct Source {
    ConnectionId dialed = 0;  // 0: this is the listener
    std::unique_ptr<Ends> ends;
    Dialing dialing{};
    // Nothing can be read before its descriptor tells so: it was asked, and has neither sent nor
    // given out anything since.
    bool quiet = false;
    bool skips = false;  // the rest of a message that has more frames than any of ours
    // Of the listener. After two more sweeps, all that has come so far is read: libzmq takes the
    // connections of a socket in turn.
    std::uint64_t sweeps = 0, read_since_sweep = 0, read = 0;

    [[nodiscard]] zmq::socket_t& socket() const { return ends->socket; }
  };
  enum class Standing : std::uint8_t {
    stranger,
    waits,      // for a place
    answered,   // that it does not belong here
    shown_out,  // what it had said before is thrown away
    hung_up,    // it is forgotten but for that
    belongs
  };
  struct Connection {
    Source* source = nullptr;
    std::string routing_id;  // of a connection to the listener
    std::string address;     // for the log
    bool drop_logged = false;
    Standing standing = Standing::belongs;   // of one that was dialed
    int words = 0;                           // hellos and links of one that does not belong
    int descriptor = -1;                     // of a caller: the number that its file has, or had
    bool exited = false;                     // the process over there, as far as is known
    bool closed = false;                     // and libzmq has handed over all that it said
    Deadline closed_by = Deadline::never();  // or counts as having done so
    std::uint64_t read_before = 0;           // of the listener, when its last was read
    std::uint64_t sweeps_before = 0;         // of the listener, when that was known
  };
  /// A file of an accepted connection that has not ended, as far as is known.
  struct Accepted {
    // Whose it may be: one of them, and the others have ended, which is not known yet.
    std::vector<ConnectionId> callers;
    std::optional<StreamConnection> file;
  };
  /// So that one can be looked for without a string made of it.
  struct HashOfId {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>{}(id); }
  };

  static constexpr int messages_at_once = 256;

  void set_up(zmq::socket_t& socket, std::int64_t frame_bytes_max) const;
  void look_after_strangers();
  void note_exited(int descriptor);
  bool pump(Deadline deadline);
  int look_and_yield();
  bool wait_and_read(Deadline deadline);
  void read_monitor(Source& source);
  void drain(Source& source, int messages_max);
  bool read_message(Source& source);
  bool skip_rest(Source& source);
  static void note_sweep(Source& source, std::uint64_t count);
  [[nodiscard]] static bool is_readable(Source& source);
  void rebuild_poll_items();
  void forget_ready(ConnectionId connection);
  [[nodiscard]] std::uint64_t reads_of_a_sweep() const;

  // wire_dialing.cpp: whom this process dials.
  void attempt(Source& source);
  void dialed_event(Source& source, const Monitor::Event& event);
  void attempt_ended(Source& source);
  void look_after_attempts();
  void look_after_attempt(Source& source);
  void hang_up_dialed(ConnectionId connection, Source& source);

  // wire_closing.cpp: how it ends.
  void hand_over();
  void await_begun(Deadline deadline);
  [[nodiscard]] bool has_handed_over(bool given_up) const;
  void end_callers();
  static void end_dialed(Source& source);

  // wire_listening.cpp: where it listens.
  void listen_by(const std::function<void(zmq::socket_t&)>& bind);
  std::string listen_at(SocketFile&& file);
  void guard(zmq::socket_t& listener);
  [[nodiscard]] std::chrono::milliseconds caller_silence() const;

  // wire_callers.cpp: who calls.
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
  void has_come(int descriptor, std::chrono::milliseconds silence_max);
  void break_off(int descriptor);
  void ended_at(int descriptor);
  void has_ended(ConnectionId caller);
  void emit_downs();
  bool emit_down(ConnectionId id);
  [[nodiscard]] bool is_closed(const Connection& connection) const;

  std::chrono::milliseconds silence_max_;
  int crowd_ = 0;  // how many times more ranks than few; 0: only the master is dialed
  std::optional<Keyring> keys_;
  std::chrono::milliseconds linger_{1000};
  bool interruptible_ = true;
  std::chrono::microseconds yield_{0};
  int waits_without_yield_ = 0;  // left of some
  zmq::context_t context_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  SocketFile file_;                 // of a listener over ipc
  std::vector<std::string> bound_;  // where it listens
  std::unique_ptr<Source> listener_;
  std::uint64_t piece_bytes_ = piece_bytes_min;
  std::vector<std::unique_ptr<Source>> dialed_;
  std::vector<pollfd> poll_items_;  // socket and monitor of each source, in turn
  std::vector<Source*> polled_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::unordered_map<std::string, ConnectionId, HashOfId, std::equal_to<>>
      callers_;                                 // by routing id
  std::unordered_map<int, Accepted> accepted_;  // by the number of the file
  Doorman doorman_;
  Gate gate_;
  Silence silence_;
  std::vector<ConnectionId> downs_;  // callers that have ended, which was not given out yet
  Deadline next_attempt_look_ = Deadline::never();  // at those who are dialed
  SpareBlocks spares_;
  std::pmr::deque<Incoming> ready_{&spares_};
  bool hung_up_in_handshake_ = false;  // the caller whose end the listener's monitor tells next
  // Callers that came through one, and of whom nothing was read yet. libzmq does not say which.
  int handshakes_done_ = 0;
  bool word_waits_ = false;  // of a stranger, in ready_: what it says next depends on the answer
  ConnectionId last_id_ = 0;
  std::uint64_t frames_dropped_ = 0;
  LogLimit handshakes_failed_{10}, drops_{20}, refusals_{20};
};

}  // namespace rankwire::zmq_wire
