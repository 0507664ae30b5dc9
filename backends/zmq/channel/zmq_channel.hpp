#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "channel/ending.hpp"
#include "channel/inbox.hpp"
#include "channel/membership.hpp"
#include "channel/outbox.hpp"
#include "channel/pace.hpp"
#include "links/dialer.hpp"
#include "links/link_table.hpp"
#include "links/look_time.hpp"
#include "links/roster.hpp"
#include "links/turns.hpp"
#include "meeting/session.hpp"
#include "options/zmq_settings.hpp"
#include "rankwire/backend/ledger.hpp"
#include "rankwire/channel.hpp"

namespace rankwire::zmq_wire {

/// The channel over a Wire. The master is the hub: only the master decides who is lost; it hears of
/// every rank's end and tells the others. So a worker that loses the master has lost the world.
/// Workers talk over links of their own. A worker dials such a link at its first send to the other;
/// the receiver's answers (credits, goodbyes) come back over the same link. If one worker cannot
/// reach another, the master relays the frames of their link.
///
/// This class has the functions that the program calls (zmq_channel.cpp). It hands what comes from
/// the Wire to its parts (dispatch.cpp). A part does not call back: it returns what follows, and
/// the channel does it. There are two exceptions. The waits of the Ledger call the Rounds. The
/// Turns call the Outbox (Turns::Work) to send messages that have become due.
///
/// Members that `turns_` guards are also used by libzmq's thread, which sends what has become due,
/// and by a thread that aborts. The others are used by the program's thread in its calls, and by
/// the channel's own outside of them (do_progress).
class ZmqChannel final : public Channel {
 public:
  explicit ZmqChannel(Session session);
  ~ZmqChannel() override;

 private:
  /// The rounds of a wait (see wait_until). Only with the turn.
  struct Rounds {
    ZmqChannel& channel;
    void check() const;
    [[nodiscard]] bool step(Deadline until) const;
    void settle() const;
  };

  // zmq_channel.cpp: what the program calls.
  void do_send(int dest, int tag, Buffer&& payload, Deadline deadline) override;
  void do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                        Deadline deadline) override;
  std::optional<Event> do_next(const Wanted& wanted, Deadline deadline) override;
  std::optional<Departure> do_departure(int rank) override;
  [[nodiscard]] Info do_info() const override;
  void do_close(Deadline serve_until) override;
  void do_abort(int exit_code, const std::string& what) noexcept override;
  bool do_progress() override;
  [[nodiscard]] int do_progress_file() const override;
  void do_stay_out() override;
  void prepare_send(int dest, std::size_t bytes, Deadline deadline) RANKWIRE_REQUIRES(*turns_);
  void send_inline(int dest, int tag, std::span<const std::byte> payload)
      RANKWIRE_REQUIRES(*turns_);
  [[nodiscard]] Buffer copy_of(std::span<const std::byte> payload) RANKWIRE_REQUIRES(*turns_);
  void send_as_it_lies(int dest, int tag, Buffer&& payload) RANKWIRE_REQUIRES(*turns_);
  std::optional<Event> wait_for(const Wanted& wanted, Deadline deadline);
  void credit(int source, std::uint64_t total) RANKWIRE_REQUIRES(*turns_);
  void grant() RANKWIRE_REQUIRES(*turns_);
  void wait_for_room(int dest, std::size_t bytes, Deadline deadline) RANKWIRE_REQUIRES(*turns_);
  void tell_want(const Budget::Want& want) RANKWIRE_REQUIRES(*turns_);
  void settle() RANKWIRE_REQUIRES(*turns_);
  void deliver() RANKWIRE_REQUIRES(*turns_);
  void serve_others(Deadline serve_until) RANKWIRE_REQUIRES(*turns_);

  // dispatch.cpp: what comes from the Wire.
  bool pump(Deadline deadline) RANKWIRE_REQUIRES(*turns_);
  void look_around(std::chrono::milliseconds at_most) RANKWIRE_REQUIRES(*turns_);
  bool drain(std::chrono::milliseconds at_most) RANKWIRE_REQUIRES(*turns_);
  void look_at_timers() RANKWIRE_REQUIRES(*turns_);
  void process(Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_up(const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_down(ConnectionId connection, bool exited) RANKWIRE_REQUIRES(*turns_);
  void process_failed(const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_stranger(Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_call(const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_frame(Link& link, Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_numbered(Link& link, Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_data(int source, Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_told(const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_relay(int source, Incoming&& incoming) RANKWIRE_REQUIRES(*turns_);
  [[nodiscard]] bool is_relayed_to(const Link& target) const;
  void process_reject(const Link& link, const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void process_abort(int source, const Incoming& incoming) RANKWIRE_REQUIRES(*turns_);
  void follow_told(int rank) RANKWIRE_REQUIRES(*turns_);
  void adopt_early(const Member& member) RANKWIRE_REQUIRES(*turns_);

  const ZmqSettings settings_;
  AddressFile address_file_;  // only at a master; removed when it closes
  // Null once the channel is closed.
  std::unique_ptr<Wire> wire_ RANKWIRE_PT_GUARDED_BY(*turns_);
  Roster roster_;
  Ledger ledger_;
  Outbox outbox_ RANKWIRE_GUARDED_BY(*turns_);
  std::shared_ptr<Turns> turns_ = std::make_shared<Turns>(outbox_);
  const int patience_;
  LookTime looks_{patience_};
  LinkTable links_ RANKWIRE_GUARDED_BY(*turns_);
  Inbox inbox_;
  Dialer dialer_ RANKWIRE_GUARDED_BY(*turns_);
  Membership members_ RANKWIRE_GUARDED_BY(*turns_);
  Ending ending_;
  Pace pace_;
  std::uint64_t frames_dropped_ = 0;  // the wire's count, once it is closed
};

}  // namespace rankwire::zmq_wire
