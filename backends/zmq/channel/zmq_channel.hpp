#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "links/link.hpp"
#include "links/turns.hpp"
#include "meeting/session.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/backend/wait.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/channel.hpp"
#include "reach/probe.hpp"

namespace rankwire::zmq_wire {

/// The channel over a Wire. The master is the hub: it alone says who is lost, hears of every rank's
/// end and tells the others; so a worker that loses the master has lost the world. Workers talk
/// over links of their own, dialed at the first send and one for each direction; the answers of the
/// receiver (credits, goodbyes) come back over the same link. Where one cannot reach the other, the
/// master relays the link's frames.
class ZmqChannel final : public Channel, public Carrier, public Turns::Work {
 public:
  explicit ZmqChannel(Session session);
  ~ZmqChannel() override;

 private:
  /// How this rank reaches another that it dials.
  struct Dialing {
    std::string endpoint;     // a number; empty: it cannot be dialed, or leads to another
    ConnectionId direct = 0;  // while relayed: the trial of the direct way, if any
    bool said = false;        // the word that begins the connection waits for it to stand
    bool relayed = false;
    std::optional<Deadline::Clock::time_point> stands_since;    // the direct connection
    std::optional<Deadline::Clock::time_point> unproven_since;  // no frame has passed since then
    Deadline look_at = Deadline::never();  // whether the way is closed, or open again
    std::unique_ptr<Probe> probe;
    int closed = 0, mute = 0;           // outcomes in a row
    int failures = 0;                   // handshakes
    std::chrono::milliseconds pause{};  // before the direct way is tried again
  };
  /// Of a rank whose connection broke: seen by the master of a worker, and by a worker of the
  /// master.
  struct Absence {
    Deadline lost_at = Deadline::never();
    Deadline lost_by = Deadline::never();  // however often it is heard meanwhile
    Deadline look_at = Deadline::never();  // for the next probe
    std::unique_ptr<Probe> probe;
    bool reported = false;
  };
  /// Whether connections with it carry frames: at the master of a worker, at a worker of the
  /// master.
  struct Bearing {
    std::optional<Deadline::Clock::time_point> stands_since;  // the one that stands again
    bool carried = true;                                      // it has carried what was missing
    std::optional<Deadline::Clock::time_point> barren_since;  // several have not
    int barren = 0;                                           // so many
  };
  /// What the master tells of a rank: a new process has it, or the one that had it has departed.
  using Told = std::variant<Member, Departed>;
  struct Peer {
    Member member;
    std::unique_ptr<Link> out;  // carries what is sent to it; between master and worker, both ways
    std::unique_ptr<Link> in;   // between workers: carries what it sends
    Dialing dialing;
    Absence absence;
    Bearing bearing;
    std::string probed_at;   // its listener's address; empty when a refusal there would say nothing
    FirstProbe first_probe;  // at the master: whether its listener can be reached at all
    std::uint64_t nonce = 0;  // at the master
    std::uint32_t hello = 0;  // at the master: the number of its last
    bool departed = false;    // as the mailbox says, which is the program's thread's alone
    std::uint64_t sent = 0, received = 0;  // messages, this incarnation
    std::uint64_t sent_at_wait = 0;        // waits_ when the last was sent
    std::optional<Departed> departing;     // told by the master, awaiting what it had sent before
    Deadline departing_until = Deadline::never();
    Deadline departing_by = Deadline::never();  // if it is lost, whatever comes
    std::deque<Told> later;  // of the processes that have the rank after the one that departs
    Buffer partial;          // of a payload that comes in pieces
    std::size_t partial_filled = 0;
    std::size_t partial_bytes = 0;  // of the whole payload
  };
  /// A frame of Kind::batch whose messages the program takes out one by one.
  struct OpenBatch {
    int source = 0;
    zmq::message_t frame;
    std::span<const std::byte> rest;  // of frame; empty: there is none
  };
  /// A link whose dialer the master has not told us of yet.
  struct EarlyLink {
    LinkHello hello;
    std::uint32_t received = 0;
    std::vector<Incoming> frames;  // that came behind it
    bool dropped = false;          // there were more than are kept
    bool ended = false;            // nothing more comes
  };

  /// A call that does not wait, or not any more, takes in what has come for so long.
  static constexpr std::chrono::milliseconds look_around_max{10};
  /// So much may be told of later processes of a rank while one is awaited; the wait for it ends
  /// when there is more.
  static constexpr std::size_t later_max = 100;

  void leave_to_parent();

  // zmq_channel.cpp: messages.
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                        Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  std::optional<Event> take(const Wanted& wanted);
  std::optional<Event> wait_for(const Wanted& wanted, Deadline deadline);
  /// What a wait does in each round (see wait_until).
  struct Rounds {
    ZmqChannel& channel;
    void check() const;
    [[nodiscard]] bool step(Deadline until) const;
    void settle() const { channel.settle(); }
  };
  void prepare_send(int dest, std::size_t bytes, Deadline deadline);
  void wait_for_room(int dest, std::size_t bytes, Deadline deadline);
  void send_to_self(int tag, Buffer&& payload);
  void send_inline(int dest, int tag, std::span<const std::byte> payload);
  void send_as_it_lies(int dest, int tag, Buffer&& payload);
  void note_taken(const Message& message);
  void credit(int source, std::uint64_t total);
  void settle();
  void do_due() noexcept override;
  void flush();
  void check_aborted() const;
  /// With the turn: does what abort() asked for.
  void heed_abort() {
    if (abort_asked_.load(std::memory_order_acquire)) [[unlikely]]
      abort_now();
  }
  bool pump(Deadline deadline);
  void look_around(std::chrono::milliseconds at_most = look_around_max);
  void process(Incoming&& incoming);
  void process_frame(Link& link, Incoming&& incoming);
  void process_numbered(Link& link, Incoming&& incoming);
  [[nodiscard]] std::unique_ptr<Link> make_link(int rank);

  // zmq_payloads.cpp: what a frame of data has for the program.
  [[nodiscard]] bool is_whole(const Incoming& incoming) const;
  void process_data(int source, Incoming&& incoming);
  void process_batch(int source, Incoming&& incoming);
  std::optional<Event> take_from_batch(const Wanted& wanted);
  void unpack();
  void take_piece(int source, Incoming&& incoming);
  void deliver_copy(int source, int tag, std::span<const std::byte> payload);
  void deliver(int source, int tag, Buffer&& payload);

  // zmq_dialing.cpp: the connections that this rank dials, and the way around those that do not
  // come about.
  Link& link_to(int dest);
  void dial(int dest);
  void dial_next();
  void dial_direct(int dest);
  void hang_up_direct(int dest);
  void look_for_way(int dest, std::chrono::milliseconds from_now);
  [[nodiscard]] Buffer word_of(Link& link);
  void call(Link& link, ConnectionId over);
  void process_up(const Incoming& incoming);
  void try_direct(Link& link, ConnectionId over);
  void go_direct(int rank);
  void direct_is_down(int rank);
  void process_failed(const Incoming& incoming);
  void look_at_dialing(int rank);
  void count_evidence(int rank, Probe::Outcome outcome, const std::string& text);
  void look_for_ways_now();
  void way_was_probed(int rank, Probe::Outcome outcome);
  void try_again_later(int rank);
  void relay_from_now(int dest, const std::string& why);

  // zmq_links.cpp: links whose connections break and are mended, and what is relayed.
  void carry(ConnectionId over, zmq::message_t&& first, zmq::message_t* chunk) override;
  void process_stranger(Incoming&& incoming);
  void process_link(const Incoming& incoming);
  void keep_early(EarlyLink& early, Incoming&& incoming);
  void adopt_early(const Member& member);
  void adopt_call(const LinkHello& hello, ConnectionId connection, std::uint32_t received);
  void adopt(int rank, ConnectionId connection, std::uint32_t received);
  void process_down(ConnectionId connection, bool exited);
  void process_reject(Link& link, const Incoming& incoming);
  void process_relay(int source, Incoming&& incoming);
  [[nodiscard]] static Incoming relayed_in(Incoming&& relay, const RelayTag& tag);
  void forward(int source, RelayTag tag, Incoming&& inner);
  void turn_away(ConnectionId connection, Refusal refusal, const std::string& text);
  void expel(int rank, const std::string& reason);
  void drop_links(int rank);
  void unlink(ConnectionId connection);

  // zmq_absence.cpp: the timers, and who is out of reach for how long.
  void run_timers();
  bool drain(std::chrono::milliseconds at_most);
  void look_at_timers();
  void begin_absence(int rank);
  void connection_stands(int rank);
  void note_frame(Link& link, const Incoming& incoming);
  void end_absence(int rank);
  void look_at_absence(int rank);
  [[nodiscard]] bool bears_nothing(int rank);
  [[nodiscard]] bool probe_tells_end(int rank);
  void look_at_first_probe(int rank);
  void lose(int rank, const std::string& reason);

  // zmq_departures.cpp: who comes and goes.
  void do_close(Deadline serve_until) override;
  void process_hello(Incoming&& incoming);
  [[nodiscard]] bool may_become_vacant(const Hello& hello, const Incoming& incoming) const;
  bool waits_for_later(const Hello& hello, Incoming& incoming);
  [[nodiscard]] bool comes_for_next_world(const Hello& hello) const;
  void wait_for_place(Incoming&& incoming);
  void start_again(int rank, ConnectionId connection, std::uint32_t hello);
  [[nodiscard]] int absent_in_same_process(const Hello& hello) const;
  [[nodiscard]] int rank_with(std::uint64_t nonce) const;
  [[nodiscard]] int vacant_place(int wanted) const;
  void send_table(int newcomer, ConnectionId connection, bool with_departed);
  void process_goodbye(Link& link, const Incoming& incoming);
  void process_departed(const Departed& departed);
  void begin_departing(const Departed& departed);
  void process_arrived(const Member& member);
  void process_abort(Link& link, const Incoming& incoming);
  void await_last_of(int rank);
  void finish_departing(int rank);
  void give_up_departing(int rank);
  void depart(int rank, bool lost, const std::string& reason,
              const std::vector<Goodbye::Sent>& sent = {});
  void lose_world(const std::string& reason);
  void tell_workers(Kind kind, const Buffer& body, int except);
  [[nodiscard]] bool is_awaited(int rank) const;
  void tell_later(int rank, Told&& told);
  void follow_later(int rank);
  void replace(const Member& member);
  void leave_without_master(const std::string& reason);
  void say_goodbye();
  void say_last_to_all(Kind kind, const Buffer& body);
  [[nodiscard]] std::vector<Link*> last_links() const;
  [[nodiscard]] bool all_confirmed() const;
  void serve_others(Deadline serve_until);
  [[nodiscard]] std::string remaining_ranks() const;

  // zmq_abort.cpp: the end of the world, by any thread.
  void do_abort(int exit_code, const std::string& what) noexcept override;
  void ask_abort(int exit_code, const std::string& what) noexcept;
  void abort_now() noexcept;
  void note_aborted(Abort&& abort);
  void await_abort_told();
  void take_answer(const Incoming& incoming);
  void answer_call(const Incoming& incoming);
  [[nodiscard]] bool all_told() const;
  [[nodiscard]] bool is_aborted() const { return is_aborted_.load(std::memory_order_relaxed); }

  /// It takes so long to notice that nothing passes over a connection; one that stands for longer
  /// is sound, though the other program may compute and acknowledge nothing.
  [[nodiscard]] std::chrono::milliseconds barren_after() const;
  [[nodiscard]] std::chrono::milliseconds proven_after() const;

  [[nodiscard]] bool is_master() const { return rank() == 0; }
  /// Whether the link to `rank` serves both ways: it is the master's, or leads to the master.
  [[nodiscard]] bool is_hub_link(int rank) const { return is_master() || rank == 0; }
  [[nodiscard]] Peer& peer(int rank) { return peers_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Peer& peer(int rank) const { return peers_[static_cast<std::size_t>(rank)]; }
  /// Whether frames that come may show something of its connection.
  [[nodiscard]] bool is_unproven(const Link& link) const {
    const Peer& there = peer(link.rank());
    return !there.bearing.carried || there.dialing.relayed ||
           (&link == there.out.get() && there.dialing.unproven_since);
  }
  /// The link over which the messages of `rank` come; null before it has dialed.
  [[nodiscard]] Link* link_from(int rank) {
    return is_hub_link(rank) ? peer(rank).out.get() : peer(rank).in.get();
  }
  [[nodiscard]] std::string name(int rank) const;

  ZmqSettings settings_;
  AddressFile address_file_;  // a master's; removed when it closes
  std::unique_ptr<Wire> wire_;
  Token token_;
  std::vector<Peer> peers_;
  std::unordered_map<ConnectionId, Link*> links_;  // by every connection that leads to one
  std::unordered_map<ConnectionId, EarlyLink> early_links_;
  std::uint64_t early_bytes_ = 0;         // that wait in them
  std::vector<Incoming> waiting_hellos_;  // of newcomers, until an absence has ended
  OpenBatch open_batch_;                  // younger than what is in the
  Mailbox mailbox_;
  Windows windows_;
  LongWaits long_waits_;
  LookTimer look_timer_;
  std::atomic<bool> abort_asked_{false};  // of this rank, by any thread: asked_ says what
  std::mutex abort_mutex_;                // of those who ask
  Abort asked_;
  std::atomic<bool> abort_done_{false};  // what was asked; the others know, or will not
  std::atomic<bool> is_aborted_{false};  // aborted_ says by whom, and does not change any more
  std::optional<Abort> aborted_;
  Deadline next_look_ = Deadline::never();  // while some peer has a deadline of its own
  int looks_put_off_ = 0;
  std::deque<int> to_dial_;
  std::vector<std::pair<int, Deadline>> dials_;  // begun lately, and do not stand yet
  std::size_t probes_of_ways_ = 0;               // under way, as of the last look
  LogLimit relays_{1}, returns_{1};              // lines of them
  unsigned unseen_sends_ = 0;                    // since this rank last looked at what has come
  std::size_t unseen_bytes_ = 0;                 // the same, of payload
  std::shared_ptr<Turns> turns_ = std::make_shared<Turns>(*this);
  std::shared_ptr<FrameStore> frames_ = std::make_shared<FrameStore>();
  std::vector<Link*> waiting_;  // links on which messages wait to travel together
  std::uint64_t waits_ = 1;     // counts when the program began to wait
  std::exception_ptr due_failed_;
  std::chrono::microseconds yield_{0};     // at the start of a wait
  Deadline::Clock::duration last_wait_{};  // of a receive; those in vain before it count with it
  bool waited_in_vain_ = false;
  bool leaving_ = false;
  std::uint64_t frames_dropped_ = 0;  // by the wire, once it is closed
};

}  // namespace rankwire::zmq_wire
