#include "channel/zmq_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "rankwire/backend/cores.hpp"
#include "rankwire/backend/host.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/backend/wait_policy.hpp"
#include "reach/address.hpp"
#include "reach/busy_host.hpp"

// The functions that the program calls. (What comes: dispatch.cpp.)

namespace rankwire::zmq_wire {
namespace {

using namespace std::chrono_literals;

/// A call that does not wait takes in what has come for at most this long; less if the program
/// takes messages that are here, and waits for nothing.
constexpr std::chrono::milliseconds look_max{10}, busy_look_max{2};
/// The holder of the turn makes an abort within this time: a round of a wait, and the time to tell
/// the others.
constexpr auto abort_made_within = 2s;
/// This many calls of workers that the master has not announced yet are kept, besides one for each
/// rank.
constexpr std::size_t early_calls_max = 100;

/// How long a wait may yield before it sleeps, given the ranks of this host and its cores.
std::chrono::microseconds yield_of(int host_ranks, const WaitSettings& settings) {
  const Crowd crowd{
      .ranks = host_ranks, .cores = usable_cores(allowed_cores(), core_quota()), .served = true};
  const WaitPolicy wait = wait_policy(settings, crowd);
  return wait.yield + std::chrono::ceil<std::chrono::microseconds>(wait.spin);
}

}  // namespace

ZmqChannel::ZmqChannel(Session session)
    : Channel{{session.rank, session.ranks, session.settings.message_bytes_max}},
      settings_{session.settings},
      address_file_{std::move(session.address_file)},
      wire_{std::move(session.wire)},
      roster_{session.rank, session.ranks, std::move(session.members)},
      ledger_{rank(),
              size(),
              session.limits,
              roster_.peers(),
              std::make_shared<WorldEnd>(),
              rank() == 0 && settings_.takes_arrivals},
      outbox_{size()},
      patience_{patience_of(session.host_ranks)},
      links_{
          *wire_, roster_, session.token, turns_,
          EarlyLinks{static_cast<std::size_t>(size()) + early_calls_max, settings_.window_bytes}},
      inbox_{ledger_, size(), settings_.message_bytes_max},
      dialer_{*wire_, links_, roster_, settings_, looks_, session.host_ranks},
      members_{{*wire_, links_, dialer_, inbox_, outbox_, ledger_, roster_, settings_, looks_,
                patience_}},
      ending_{{links_, dialer_, members_, outbox_, ledger_, roster_}} {
  members_.begin(session);
  wire_->share_host(session.host_ranks);
  if (!roster_.is_master()) wire_->expect_workers(size());
  pace_.set_yield(yield_of(session.host_ranks, settings_.wait));
  for (auto& departed : session.departed) {
    const int rank = departed.rank;
    if (roster_.is_other(rank)) members_.take_told(std::move(departed));
    if (roster_.is_other(rank)) follow_told(rank);
  }
  for (auto& incoming : session.early) process(std::move(incoming));
  if (session.early_dropped) links_.ask_again();
  // Its hello has said that it gives signs of life.
  if (settings_.progress_thread && !start_progress()) {
    throw TransportError{
        fmt::format("rank {} would be taken for lost while it computes, as it has no thread that "
                    "gives signs of life; start it with --progress call",
                    rank())};
  }
}

/// The sockets linger, then close. In a forked process, everything with locks, threads or files
/// stays as it is: a thread of the parent may have the turn, and that thread does not exist here.
ZmqChannel::~ZmqChannel() {
  stop_progress();
  if (!is_own_process()) {
    static auto& left = *new std::vector<std::unique_ptr<Wire>>;
    address_file_.disown();
    links_.leave_to_parent();
    left.push_back(std::move(wire_));
    return;
  }
  turns_->enter();  // never left: libzmq's thread must not use this any more
  if (!wire_) return;
  try {
    outbox_.flush();
  } catch (const std::exception& error) {
    log().error("messages were not sent: {}", error.what());
  }
}

void ZmqChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  const Turn turn{*turns_};
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    ledger_.send_to_self(tag, std::move(payload));
  } else if (payload.size() <= inline_payload_bytes_max) {
    send_inline(dest, tag, payload.bytes());
  } else {
    send_as_it_lies(dest, tag, std::move(payload));
  }
}

void ZmqChannel::do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                  Deadline deadline) {
  const Turn turn{*turns_};
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    note_copied(payload.size());
    ledger_.send_to_self(tag, Buffer::copy_of(payload));
  } else if (payload.size() <= inline_payload_bytes_max) {
    send_inline(dest, tag, payload);
  } else {
    note_copied(payload.size());
    Buffer copy = copy_of(payload);
    ledger_.check_send(dest);  // it may have departed meanwhile
    send_as_it_lies(dest, tag, std::move(copy));
  }
}

/// Throws what must be thrown before a send. Returns when there is room for it.
void ZmqChannel::prepare_send(int dest, std::size_t bytes, Deadline deadline) {
  check_interrupted();
  if (pace_.note_send(bytes)) {
    look_around(look_max);
    settle();
  }
  ending_.heed_abort(wire_.get());
  ledger_.check_send(dest);
  if (!ledger_.has_room(dest, bytes)) wait_for_room(dest, bytes, deadline);
  if (const auto total = ledger_.owed(dest)) credit(dest, *total);
}

void ZmqChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  Rounds rounds{*this};
  ledger_.wait_for_room(rounds, dest, bytes, deadline, [this](const Budget::Want& want) {
    turns_->assert_entered();
    tell_want(want);
  });
}

/// A copy of many GB takes longer than others wait for a sign of life.
Buffer ZmqChannel::copy_of(std::span<const std::byte> payload) {
  constexpr std::size_t bytes_at_once = std::size_t{64} << 20;
  if (payload.size() <= bytes_at_once) return Buffer::copy_of(payload);
  Buffer copy{payload.size()};
  for (std::size_t done = 0; done < payload.size(); done += bytes_at_once) {
    const auto part = payload.subspan(done, std::min(bytes_at_once, payload.size() - done));
    std::memcpy(copy.bytes().data() + done, part.data(), part.size());
    look_around(busy_look_max);
  }
  return copy;
}

void ZmqChannel::Rounds::check() const {
  check_interrupted();
  channel.ledger_.end().check();
}

bool ZmqChannel::Rounds::step(Deadline until) const {
  channel.turns_->assert_entered();
  if (until.is_poll()) return channel.pump(until);
  channel.settle();  // before pump() sleeps
  return channel.pump(until.sooner(channel.ledger_.settles_at()));
}

void ZmqChannel::Rounds::settle() const {
  channel.turns_->assert_entered();
  channel.settle();
}

void ZmqChannel::send_inline(int dest, int tag, std::span<const std::byte> payload) {
  note_copied(payload.size());
  outbox_.send_inline(dialer_.link_to(dest), tag, payload);
  ledger_.sent(dest, payload.size());
}

void ZmqChannel::send_as_it_lies(int dest, int tag, Buffer&& payload) {
  const std::size_t bytes = payload.size();
  const std::size_t piece_bytes =
      std::clamp(roster_[dest].piece_bytes, piece_bytes_min, piece_bytes_max);
  outbox_.send_as_it_lies(dialer_.link_to(dest), piece_bytes, tag, std::move(payload));
  ledger_.sent(dest, bytes);
}

std::optional<Event> ZmqChannel::do_next(const Wanted& wanted, Deadline deadline) {
  check_interrupted();
  if (pace_.is_look_due() || ending_.is_abort_due()) {
    const Turn turn{*turns_};
    look_around(busy_look_max);
  }
  ledger_.end().check();
  auto event = inbox_.take(wanted);
  if (!event) event = wait_for(wanted, deadline);
  note_copied(inbox_.take_copied_bytes());
  const auto* const message = event ? std::get_if<Message>(&*event) : nullptr;
  if (message == nullptr) return event;
  // Gives the room that the message took back to its sender.
  if (const auto total = ledger_.taken(message->source, message->payload.size())) {
    const Turn turn{*turns_};
    credit(message->source, *total);
  }
  if (ledger_.has_wants()) {
    const Turn turn{*turns_};
    grant();
  }
  return event;
}

std::optional<Event> ZmqChannel::wait_for(const Wanted& wanted, Deadline deadline) {
  const Turn turn{*turns_};
  const bool polls = deadline.is_poll();
  const auto start = polls ? Deadline::Clock::time_point{} : Deadline::Clock::now();
  wire_->set_yield(pace_.yield());
  Rounds rounds{*this};
  std::optional<Event> event;
  ledger_.wait_for(rounds, wanted, deadline, event, [&](std::optional<Event>& found) {
    found = inbox_.take_from_batch(wanted);
    return found.has_value();
  });
  if (!polls) pace_.waited(Deadline::Clock::now() - start, !event);
  return event;
}

void ZmqChannel::credit(int source, std::uint64_t total) {
  if (Link* const link = links_.from(source)) {
    link->send({.kind = Kind::credit, .bytes = total}, {});
  }
}

void ZmqChannel::settle() {
  ledger_.settle([this](int source, std::uint64_t total) {
    turns_->assert_entered();
    credit(source, total);
  });
  ledger_.give_back([this](const Budget::Want& want) {
    turns_->assert_entered();
    tell_want(want);
  });
  grant();
}

/// Tells senders what room they have been granted (Budget).
void ZmqChannel::grant() {
  ledger_.grant([this](const Budget::Grant& to) {
    turns_->assert_entered();
    if (Link* const link = links_.from(to.rank)) {
      link->send({.kind = Kind::grant, .tag = to.number, .bytes = to.total}, {});
    }
  });
}

void ZmqChannel::tell_want(const Budget::Want& want) {
  dialer_.link_to(want.rank).send({.kind = Kind::want, .tag = want.number, .bytes = want.total},
                                  {});
}

std::optional<Departure> ZmqChannel::do_departure(int rank) {
  const Turn turn{*turns_};
  check_interrupted();
  look_around(look_max);
  ledger_.end().check();
  settle();
  return ledger_.departure(rank);
}

/// Needs no turn: libzmq's thread does not change what it reads of the links and the wire.
Info ZmqChannel::do_info() const RANKWIRE_NOT_ANALYZED {
  Info info = ledger_.info();
  info.transport = "zmq";
  info.library =
      fmt::format("libzmq {}.{}.{}", ZMQ_VERSION_MAJOR, ZMQ_VERSION_MINOR, ZMQ_VERSION_PATCH);
  for (PeerInfo& peer : info.peers) peer.relayed = links_.is_relayed(peer.rank);
  info.across_hosts = !is_ipc(roster_[0].endpoint);
  info.detects_loss = true;
  info.encrypted = wire_ && wire_->has_keys();
  info.takes_arrivals = settings_.takes_arrivals;
  info.frames_dropped = wire_ ? wire_->frames_dropped() : frames_dropped_;
  return info;
}

/// Waits until the others have confirmed all. In a large world some may have to be dialed yet, a
/// few at a time, so the linger begins anew with each that is reached.
void ZmqChannel::deliver() {
  const auto patient = patience_ * settings_.linger;
  Deadline linger = patient;
  std::uint64_t reached = dialer_.reached();
  while (!ending_.all_confirmed() && !ledger_.end().has_come() && !linger.expired()) {
    pump(linger);
    if (dialer_.reached() == reached) continue;
    reached = dialer_.reached();
    linger = patient;
  }
}

void ZmqChannel::do_close(Deadline serve_until) {
  const Turn turn{*turns_};
  members_.close();
  address_file_.remove();  // a worker that starts now is meant for the next master
  ending_.heed_abort(wire_.get());
  const WorldEnd& end = ledger_.end();
  if (!end.has_come()) {
    ending_.say_goodbye();
    dialer_.hurry();
    deliver();
    if (roster_.is_master()) serve_others(serve_until);
    members_.tell_departures();
  }
  // Ranks that have confirmed have read everything. The sockets need to linger only for others.
  if (!ending_.is_abort_made()) {
    wire_->set_linger(ending_.all_confirmed() ? 0ms : patience_ * settings_.linger);
  }
  frames_dropped_ = wire_->frames_dropped();
  wire_.reset();
  end.check();
}

/// The workers hear of each other through the master. So it stays for them after its own goodbye.
void ZmqChannel::serve_others(Deadline serve_until) {
  constexpr auto report_pause = 10s;
  Deadline next_report{report_pause};
  while (ledger_.mailbox().remaining() > 0 && !ledger_.end().has_come() && !serve_until.expired()) {
    pump(serve_until.sooner(next_report));
    if (!next_report.expired()) continue;
    log().info("rank 0 is done; it stays for {}", members_.remaining_ranks());
    next_report = report_pause;
  }
}

void ZmqChannel::do_abort(int exit_code, const std::string& what) noexcept {
  ending_.ask_abort(exit_code, what);
  const Deadline end = abort_made_within;
  while (!ending_.is_abort_made() && !end.expired()) {
    if (turns_->try_enter()) {
      ending_.heed_abort(wire_.get());
      turns_->leave();
    } else {
      std::this_thread::sleep_for(1ms);
    }
  }
}

/// What a wait does in its rounds, without the wait. A signal is the program's to heed: this goes
/// on.
bool ZmqChannel::do_progress() {
  const Turn turn{*turns_};
  if (!wire_ || ending_.is_abort_made()) return false;
  struct Heeds {
    Wire& wire;
    bool before;
    ~Heeds() { wire.heed_interrupts(before); }
  };
  const Heeds heeds{*wire_, wire_->heed_interrupts(false)};
  outbox_.flush();
  const bool found = pump(Deadline::poll());
  if (found && !is_wanted()) (void)drain(look_max);
  settle();
  return found;
}

void ZmqChannel::do_stay_out() {
  const Turn turn{*turns_};
  members_.fall_silent();
}

int ZmqChannel::do_progress_file() const {
  const Turn turn{*turns_};
  const bool is_timed =
      !looks_.next().is_never() || !ledger_.settles_at().is_never() || members_.wants_looks();
  return !wire_ || ending_.is_abort_made() || is_timed ? -1 : wire_->file();
}

}  // namespace rankwire::zmq_wire
