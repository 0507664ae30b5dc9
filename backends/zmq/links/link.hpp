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

/// One end of a stream of frames between two ranks. It is ordered in each direction, and outlives
/// the connections that carry it. Numbered frames are kept until the other side has acknowledged
/// them, and sent again over the next connection. The receiver skips frames that come twice, or
/// that come ahead of a missing one. (This is Go-back-N, as in any book on networks. A single
/// connection keeps the order by itself.)
///
/// The windows bound what is kept: a credit acknowledges all frames received before it. A kept
/// payload shares its bytes with the message that libzmq sends.
///
/// Small messages travel together in one frame (Batch) while libzmq has not yet sent what was sent
/// before them: a frame costs libzmq and its receiver several times what its bytes do. The first
/// message never waits. Those behind it wait until libzmq's thread has sent the frame before them;
/// that thread then sends them (Turns). If the program waits before that, it sends them itself.
///
/// Between the master and a worker there is one link, used in both directions. Two workers have one
/// link for each of them that has sent: that one sends data over it, the other end answers with
/// credits. Both links may go over one connection (Header::end).
class Link {
 public:
  /// Not attached to a connection: what is sent is kept until it is.
  /// This rank is at its `end`.
  Link(int rank, LinkEnd end, std::shared_ptr<Turns> turns, std::shared_ptr<FrameStore> store)
      : rank_{rank}, end_{end}, flow_{std::make_shared<Flow>(std::move(turns), std::move(store))} {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// The rank at the other end.
  [[nodiscard]] int rank() const { return rank_; }

  /// Numbers and keeps a frame, and sends it if the link is attached. Sends waiting messages first.
  void send(Header header, std::span<const std::byte> body);
  /// Sends a message, at once or together with others. `alone`: it is the first since the program
  /// has waited, so it may be the only one.
  void send_message(std::uint32_t tag, std::span<const std::byte> payload, bool alone);
  /// Sends the messages that wait in the batch.
  void flush();
  /// Whether messages wait to travel together.
  [[nodiscard]] bool has_batch() const { return !batch_.empty(); }
  /// Whether messages wait that should be sent now, since libzmq has sent all that was before them.
  [[nodiscard]] bool is_batch_due() const { return has_batch() && flow_->under_way.load() == 0; }
  /// Only the Outbox uses this: the link is in its list of links with a batch.
  bool listed = false;
  /// Like send(), with `chunk` as the second part of the frame, which is not copied.
  void send_chunk(Header header, zmq::message_t&& chunk);
  /// Sends a relay with a frame of another link in it. The first part of that frame, `inner`, is
  /// copied behind the header. Its second part is passed on as it came; `chunk` is null if there is
  /// none.
  void send_relay(RelayTag tag, const zmq::message_t& inner, zmq::message_t* chunk);

  /// Handles the header of a frame that has come: its acknowledgement, and its number. True if the
  /// caller is to act on the frame. False for one that came before, or that is ahead of a missing
  /// frame; the missing one is then asked for. Sends an acknowledgement when much has come.
  [[nodiscard]] bool take(const Header& header, std::size_t frame_bytes);
  /// Asks again for a frame that is not sound. If the same frame is not sound a second time, does
  /// nothing and returns false: a peer may send it so each time.
  [[nodiscard]] bool wants_again(const Header& header);
  /// Tells the other side now how much was received.
  void acknowledge() { give_sign(Kind::ack); }
  /// The same, as a sign of life (Signs) if `kind` is one.
  void give_sign(Kind kind);
  /// Says that no sign of life comes until the next one.
  void fall_silent();
  /// Asks the other side to send again all that was not received. For frames that may have come and
  /// were not taken.
  void ask_again();

  /// From now on frames go over `over`, beginning with all that are kept.
  void attach(Route over);
  /// Like the above, if the other side says that it has received `received` frames. Changes nothing
  /// and returns false if that is impossible.
  bool attach(Route over, std::uint32_t received);
  /// The number of the next call. For the side that dials.
  [[nodiscard]] std::uint32_t next_call() { return ++calls_; }
  /// For the side that is dialed. Whether a call is newer than all before; notes its number if so.
  /// An older call comes late: the master relayed it, and meanwhile its caller has called again by
  /// another way.
  [[nodiscard]] bool heed_call(std::uint32_t number) {
    if (!is_newer(number, calls_)) return false;
    calls_ = number;
    return true;
  }
  /// Whether any call was made or heeded.
  [[nodiscard]] bool was_called() const { return calls_ != 0; }
  /// The header of a frame that is not numbered. It says how many frames were sent and received.
  [[nodiscard]] Header word(Kind kind, std::size_t bytes) const {
    return {.kind = kind, .bytes = bytes, .sequence = next_, .ack = received_, .end = end_};
  }
  /// The other side says that it has sent `frames` frames.
  void note_sent(std::uint32_t frames);
  /// Whether the connection is known to carry frames: in each direction where frames were missing,
  /// one has come.
  [[nodiscard]] bool carries() const {
    return connection_.attached && connection_.heard &&
           (kept_.empty() || acked_ != connection_.acked_before) &&
           (!misses() || received_ != connection_.received_before);
  }
  /// The connection broke. What is sent from now on waits for the next one.
  void detach() { connection_.attached = false; }
  [[nodiscard]] bool is_attached() const { return connection_.attached; }
  [[nodiscard]] const Route& route() const { return connection_.route; }
  /// The number of the route's connection. 0 before there is one.
  [[nodiscard]] ConnectionId connection() const { return connection_.route.number; }

  /// How many frames were received in order so far.
  [[nodiscard]] std::uint32_t received() const { return received_; }
  /// Whether the other side has acknowledged every frame.
  [[nodiscard]] bool all_acknowledged() const { return kept_.empty() && batch_.empty(); }
  /// Drops all that is kept: nobody will ask for it any more.
  void forget_kept() {
    batch_.clear();
    acked_ = next_;
    kept_.clear();
  }

 private:
  struct Kept {
    zmq::message_t first, chunk;
    bool has_chunk = false;
    std::optional<CountedFrame> counted;  // instead of first and chunk
  };

  [[nodiscard]] Header numbered(Header header);
  void carry_bare(Kind kind, std::uint32_t tag = 0);
  void keep_and_carry(Kept&& frame);
  void carry(Kept& frame);
  bool note_acknowledged(std::uint32_t received);
  void note_heard(const Header& header);
  [[nodiscard]] bool misses() const {
    return static_cast<std::int32_t>(connection_.told_sent - received_) > 0;
  }

  /// What is known of the current connection.
  struct Connection {
    Route route;
    bool attached = false;
    bool asked_again = false;                             // the next frame was asked for again
    bool heard = false;                                   // something came over it
    std::uint32_t acked_before = 0, received_before = 0;  // acked_, received_ when it began
    std::uint32_t told_sent = 0;  // frames sent by the other side, as it says
  };

  int rank_;
  LinkEnd end_;
  Connection connection_;
  std::uint32_t calls_ = 0;
  std::uint32_t next_ = 0;   // number of the next frame to send
  std::uint32_t acked_ = 0;  // number of the first kept frame
  std::uint32_t received_ = 0;
  std::optional<std::uint32_t> unsound_;  // number of the last frame that was not sound
  std::size_t unacknowledged_bytes_ = 0;  // bytes received since this side last sent anything
  SpareBlocks spares_;
  std::pmr::deque<Kept> kept_{&spares_};
  std::shared_ptr<Flow> flow_;
  Batch batch_ = empty_batch();
};

}  // namespace rankwire::zmq_wire
