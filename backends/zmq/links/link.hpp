#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <zmq.hpp>

#include "links/batch.hpp"
#include "protocol/protocol.hpp"
#include "protocol/spare_blocks.hpp"
#include "sockets/carrier.hpp"

namespace rankwire::zmq_wire {

/// One end of the frames between two ranks: an ordered stream each way that outlives the
/// connections which carry it. Numbered frames are kept until the other side has acknowledged them,
/// and sent again over the next connection; those that come twice, or ahead of a lost one, are not
/// taken. (Go-back-N, as in any book on networks; a connection itself keeps the order.)
///
/// What is kept is bounded by the windows: a credit acknowledges all that was received before it.
/// A kept payload shares its bytes with the message that libzmq sends.
///
/// Small messages that are sent while libzmq has not yet sent what was sent before them travel
/// together, in one frame (Batch): a frame costs libzmq and its receiver several times what its
/// bytes do. The first message never waits; those behind it wait until libzmq's thread has taken
/// the frame before them, which then sends them (Turns), or until the program waits.
///
/// Between the master and a worker there is one link, used both ways. Two workers have one for each
/// that has sent: its dialer sends data, the other end answers with credits.
class Link {
 public:
  /// Attached to nothing: what is sent waits for that.
  Link(int rank, std::shared_ptr<Turns> turns, std::shared_ptr<FrameStore> store)
      : rank_{rank}, flow_{std::make_shared<Flow>(std::move(turns), std::move(store))} {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Whom it leads to.
  [[nodiscard]] int rank() const { return rank_; }

  /// Numbers, keeps and, while attached, sends a frame. Flushes first.
  void send(Header header, std::span<const std::byte> body);
  /// Sends a message, at once or together with others; `alone`: it is the first since the program
  /// has waited, and counts on being the last.
  void send_message(std::uint32_t tag, std::span<const std::byte> payload, bool alone);
  /// Sends the messages that wait.
  void flush();
  /// Whether messages wait to travel together.
  [[nodiscard]] bool has_batch() const { return !batch_.empty(); }
  /// Whether they have waited long enough: libzmq has sent all that was sent before them.
  [[nodiscard]] bool is_batch_due() const { return has_batch() && flow_->under_way.load() == 0; }
  /// For the Outbox alone: whether this link is in its list of those that have a batch.
  bool listed = false;
  /// The same without a copy: of a frame that has room for its header at its end, which is written
  /// there; and with `chunk` as a second frame.
  void send_whole(Header header, zmq::message_t&& frame);
  void send_chunk(Header header, zmq::message_t&& chunk);
  /// The same for a relayed message, whose frames are sent on as they came.
  void send_relay(RelayTag tag, zmq::message_t&& inner, zmq::message_t* chunk);

  /// Takes note of the header's acknowledgement; true for a frame that is to be acted on, false for
  /// one that came before, or ahead of a missing one, which is then asked for. Acknowledges by
  /// itself when much has come.
  [[nodiscard]] bool take(const Header& header, std::size_t frame_bytes);
  /// Of a frame that is not sound: asks for it again, unless it came like that twice. Who sends
  /// such a frame each time is not asked for ever.
  [[nodiscard]] bool wants_again(const Header& header);
  /// Says now how much was received: to whoever waits for that, or dialed.
  void acknowledge();
  /// Asks for all that was not received: where frames were not taken that may have come.
  void ask_again();

  /// Frames go over this connection from now on, beginning with all that is kept.
  void attach(Route over);
  /// The same, where the other side tells what it has received: false, and nothing changes, when
  /// that cannot be.
  bool attach(Route over, std::uint32_t received);
  /// The number of the next call, for the side that dials.
  [[nodiscard]] std::uint32_t next_call() { return ++calls_; }
  /// For the side that is dialed: whether a call is newer than those before, which it then counts
  /// with. An older one has waited at the master for longer than the way over it was used.
  [[nodiscard]] bool heed_call(std::uint32_t number) {
    if (!is_newer(number, calls_)) return false;
    calls_ = number;
    return true;
  }
  /// Whether any call was made or heeded.
  [[nodiscard]] bool was_called() const { return calls_ != 0; }
  /// The header of a word that is not numbered; it tells how many frames were sent and received.
  [[nodiscard]] Header word(Kind kind, std::size_t bytes) const {
    return {.kind = kind, .bytes = bytes, .sequence = next_, .ack = received_};
  }
  /// The other side says how many frames it has sent.
  void note_sent(std::uint32_t frames);
  /// Whether the connection carries frames: in each direction one has come, where one was missing.
  [[nodiscard]] bool carries() const {
    return connection_.attached && connection_.heard &&
           (kept_.empty() || acked_ != connection_.acked_before) &&
           (!misses() || received_ != connection_.received_before);
  }
  /// The connection broke; what is sent from now on waits for the next.
  void detach() { connection_.attached = false; }
  [[nodiscard]] bool is_attached() const { return connection_.attached; }
  [[nodiscard]] const Route& route() const { return connection_.route; }
  /// The number of the route, 0 before there is one.
  [[nodiscard]] ConnectionId connection() const { return connection_.route.number; }

  /// In order, so far.
  [[nodiscard]] std::uint32_t received() const { return received_; }
  /// Whether the other side has acknowledged every frame.
  [[nodiscard]] bool all_acknowledged() const { return kept_.empty() && batch_.empty(); }
  /// Nobody will ask for them any more.
  void forget_kept() {
    batch_.clear();
    acked_ = next_;
    kept_.clear();
  }

 private:
  struct Kept {
    zmq::message_t first, chunk;
    bool has_chunk = false;
    std::optional<CountedFrame> counted;  // in place of both
  };

  [[nodiscard]] Header numbered(Header header);
  void carry_bare(Kind kind);
  void keep_and_carry(Kept&& frame);
  void carry(Kept& frame);
  bool note_acknowledged(std::uint32_t received);
  void note_heard(const Header& header);
  [[nodiscard]] bool misses() const {
    return static_cast<std::int32_t>(connection_.told_sent - received_) > 0;
  }

  /// What is known of the connection that the frames go over.
  struct Connection {
    Route route;
    bool attached = false;
    bool asked_again = false;                             // for the next frame
    bool heard = false;                                   // something came over it
    std::uint32_t acked_before = 0, received_before = 0;  // when it began
    std::uint32_t told_sent = 0;                          // by the other side
  };

  int rank_;
  Connection connection_;
  std::uint32_t calls_ = 0;
  std::uint32_t next_ = 0;   // number of the next frame to send
  std::uint32_t acked_ = 0;  // number of the first kept frame
  std::uint32_t received_ = 0;
  std::optional<std::uint32_t> unsound_;  // the number of the last that was not sound
  std::size_t unacknowledged_bytes_ = 0;  // received since this side last sent anything
  SpareBlocks spares_;
  std::pmr::deque<Kept> kept_{&spares_};
  std::shared_ptr<Flow> flow_;
  Batch batch_;
};

}  // namespace rankwire::zmq_wire
