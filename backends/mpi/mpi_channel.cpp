#include "mpi_channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "mpi_error.hpp"
#include "mpi_open.hpp"
#include "rankwire/backend/interrupt.hpp"
#include "rankwire/backend/texts.hpp"

namespace rankwire::mpi {
namespace {

/// A busy rank looks around once in so many calls and looks that find nothing.
constexpr unsigned calls_per_look_around = 64;
/// Takes in at most so many messages a look.
constexpr int messages_per_look = 64;
/// A wait asks MPI so many times in a row before it asks for anything else, the clock included:
/// each would make it that much later to see its message.
constexpr int looks_in_a_row = 16;
/// While others have more and more, so many looks that find nothing of a rank whose process has
/// ended, and a time besides, count for two that find nothing at all.
constexpr unsigned looks_for_the_dead = 200;
/// Up to here, in shared memory, the block of the last send may stay while another is received.
constexpr std::size_t kept_bytes_max = std::size_t{1} << 20U;

}  // namespace

MpiChannel::MpiChannel(Session& session, const Settings& settings, const Limits& limits,
                       Comms comms)
    : Channel{{session.rank(), session.size(), limits.message_bytes_max}},
      session_{session},
      comms_{comms},
      wait_{wait_policy(settings.wait, session.crowd())},
      rest_{wait_, session.bells()},
      linger_{settings.linger},
      mailbox_{session.rank(), session.size(), false},
      windows_{session.rank(), session.size(), limits.window_bytes},
      outgoing_{comms, session.reach(), session.bells()},
      incoming_{comms, session.reach(), limits.message_bytes_max},
      goodbyes_(static_cast<std::size_t>(session.size())) {
  session_.channel_opened();
}

void MpiChannel::check() const {
  if (abort_code_.load(std::memory_order_relaxed) != 0) [[unlikely]]
    end_job();
  if (interruptible_) check_interrupted();
}

std::optional<Event> MpiChannel::do_next(const Wanted& wanted, Deadline deadline) {
  check();
  if (look_timer_.due()) {
    take_in(1);
    look_around();
  }
  auto event = mailbox_.take(wanted);
  if (!event) {
    const Rest::Wait wait{rest_};
    Rounds rounds{*this};
    wait_for_event(
        rounds, mailbox_, wanted, deadline, event, [](const auto&) { return false; },
        [&] { say_long_receive(long_waits_, rank(), wanted); });
  }
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) note_taken(*message);
  }
  return event;
}

bool MpiChannel::step(Deadline until) {
  const bool waits = !until.is_poll();
  bool found = take_in(waits ? looks_in_a_row : 1);
  if (!mailbox_.met()) {
    const bool idle = !found && (rest_.sleeping() || !waits);
    if (idle || goodbyes_unsettled_ > 0 || !ended_.empty() ||
        ++calls_ % calls_per_look_around == 0) {
      found = look_around() || found;
      if (waits) settle();
    }
  }
  if (found) {
    rest_.begin_again();
  } else if (waits) {
    pause(until);
  }
  return found;
}

/// Takes over what MPI has for the program, up to what is waited for.
bool MpiChannel::take_in(int looks) {
  for (int look = 0; look < looks; ++look) {
    if (take_once()) {
      empty_looks_ = 0;
      return true;
    }
    ++empty_looks_;
  }
  return false;
}

bool MpiChannel::take_once() {
  bool found = !incoming_.empty() && incoming_.complete(mailbox_);
  for (int i = 0; i < messages_per_look && !mailbox_.met(); ++i) {
    const auto what = incoming_.take_one(mailbox_);
    if (what == Incoming::Found::nothing) break;
    if (what == Incoming::Found::note) heed(incoming_.note_source(), incoming_.note());
    found = true;
  }
  return found;
}

/// Everything besides the program's messages.
bool MpiChannel::look_around() {
  look_timer_.looked();
  const int remaining = mailbox_.remaining();
  outgoing_.complete();
  settle_goodbyes();
  watch_processes();
  return mailbox_.remaining() != remaining;
}

void MpiChannel::pause(Deadline deadline) {
  if (rest_.sleeping()) {
    settle();
    deadline = deadline.sooner(windows_.settles_at());
  }
  const bool under_way = !incoming_.empty() || outgoing_.waits(mailbox_);
  rest_.pause(deadline, under_way,
              under_way ? incoming_.bytes_under_way() + outgoing_.bytes_waiting(mailbox_) : 0);
}

void MpiChannel::heed(int source, const Note& note) {
  if (note.kind == Note::Kind::payload) {
    // What was sent makes room first, or a rank fills another block each time, which costs 4 MiB to
    // and fro a third of their time, and 1 MiB over TCP a fifth. In shared memory up to 1 MiB gains
    // as much by it: the other rank reads from a block that is not in this one's cache.
    const bool stays = session_.reach().shares_memory(source) && note.value <= kept_bytes_max;
    if (!stays) outgoing_.complete();
    incoming_.receive_announced(mailbox_);
  } else if (note.kind == Note::Kind::credit) {
    windows_.credited(source, note.value);
  } else {
    auto& goodbye = goodbyes_[static_cast<std::size_t>(source)];
    if (!goodbye.unsettled && !mailbox_.departure(source)) ++goodbyes_unsettled_;
    goodbye = {note.kind, note.value, !mailbox_.departure(source)};
  }
}

void MpiChannel::settle_goodbyes() {
  if (goodbyes_unsettled_ == 0) return;
  for (int rank = 0; rank < size(); ++rank) {
    const auto& goodbye = goodbyes_[static_cast<std::size_t>(rank)];
    if (!goodbye.unsettled || incoming_.delivered(rank) < goodbye.messages) continue;
    if (goodbye.kind == Note::Kind::lost) {
      incoming_.abandon(rank);
      depart(rank, Departure::Kind::lost, "ended without closing its channel");
    } else {
      depart(rank, Departure::Kind::left,
             goodbye.kind == Note::Kind::left
                 ? "closed its channel"
                 : "closed its channel, and not all of its messages were taken in time");
    }
  }
}

/// Finds the dead (see ProcessWatch). What they sent before lies in MPI's hands, all of it: a
/// process that has ended sends no more. It is taken in first: until two looks in a row find
/// nothing, since one look at MPI takes a bounded number of steps; or, while others keep this rank
/// busy, until nothing of that rank has come for a while.
void MpiChannel::watch_processes() {
  const auto& ended = session_.watch().ended();
  for (; ended_seen_ < ended.size(); ++ended_seen_) {
    const int rank = ended[ended_seen_];
    ended_.push_back({rank, incoming_.come(rank), 0, last_moves});
    empty_looks_ = 0;
  }
  std::erase_if(ended_, [this](Ended& dead) {
    if (mailbox_.departure(dead.rank)) return true;
    if (const auto come = incoming_.come(dead.rank); come != dead.come) {
      dead = {dead.rank, come, 0, last_moves};
      return false;
    }
    const bool all_here = ++dead.looks > looks_for_the_dead && dead.lost_at.expired();
    if (empty_looks_ < 2 && !all_here) return false;
    incoming_.abandon(dead.rank);
    depart(dead.rank, Departure::Kind::lost, "its process ended");
    return true;
  });
}

void MpiChannel::depart(int rank, Departure::Kind kind, const char* reason) {
  auto& goodbye = goodbyes_[static_cast<std::size_t>(rank)];
  if (std::exchange(goodbye.unsettled, false)) --goodbyes_unsettled_;
  const auto& peer = session_.peers()[static_cast<std::size_t>(rank)];
  mailbox_.depart({rank, kind, peer.host, peer.pid, reason});
}

/// Tells the sender of a message that the program has it, when it is time.
void MpiChannel::note_taken(const Message& taken) {
  outgoing_.begin_turn();
  note_copied(incoming_.take_copied_bytes());
  if (const auto total = windows_.taken(taken.source, taken.payload.size())) {
    credit(taken.source, *total);
  }
}

void MpiChannel::credit(int source, std::uint64_t total) {
  if (!mailbox_.departure(source)) outgoing_.send_note(source, {Note::Kind::credit, total});
}

void MpiChannel::settle() {
  if (!windows_.owes()) return;
  windows_.settle([this](int source) { return mailbox_.queued_bytes(source); },
                  [this](int source, std::uint64_t total) { credit(source, total); });
}

void MpiChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    mailbox_.push({dest, tag, std::move(payload)});
    return;
  }
  note_copied(outgoing_.send(dest, tag, std::move(payload)));
  if (!outgoing_.empty()) rest_.begin_again();  // for it moves only while MPI is called
}

void MpiChannel::do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                  Deadline deadline) {
  // A send that was started cannot be taken back, so one that may have to give up owns its bytes.
  if (dest == rank() || (!outgoing_.copies(dest, payload.size()) && !deadline.is_never())) {
    note_copied(payload.size());
    do_send(dest, tag, Buffer::copy_of(payload), deadline);
    return;
  }
  prepare_send(dest, payload.size(), deadline);
  if (outgoing_.copies(dest, payload.size())) {
    note_copied(payload.size());
    // A copy of so few costs less than a wait for the receiver.
    outgoing_.send_copy(dest, tag, payload);
    return;
  }
  outgoing_.send_borrowed(dest, tag, payload);
  rest_.begin_again();
  serve_until(
      deadline,
      [&] {
        for (int look = 0; look < looks_in_a_row && outgoing_.borrows(dest); ++look) {
          outgoing_.complete();
        }
        return !outgoing_.borrows(dest) || mailbox_.departure(dest);
      },
      [&] {
        const auto& peer = session_.peers()[static_cast<std::size_t>(dest)];
        say_long_send(long_waits_, rank(),
                      fmt::format("{} to take {} bytes that are sent from the program's memory",
                                  name_of(dest, peer.host, peer.pid), payload.size()));
      });
  // The end of the send and the receiver's departure may be news of one look. And a rank that left
  // may be taking these bytes in at this moment; nobody else will ever read them.
  const Departure* const departure = mailbox_.departure(dest);
  const bool left = departure && departure->kind == Departure::Kind::left;
  const auto sent = [&] {
    outgoing_.complete();
    return !outgoing_.borrows(dest);
  };
  if (!serve_until(left ? Deadline{last_moves} : Deadline::poll(), sent)) mailbox_.check_send(dest);
}

/// Returns when the message may be sent, and counts it.
void MpiChannel::prepare_send(int dest, std::size_t bytes, Deadline deadline) {
  check();
  // A program that only sends must hear of departures too, let go of what is sent, and tell its
  // credit.
  if (++calls_ % calls_per_look_around == 0) {
    take_in(1);
    look_around();
    settle();
  }
  mailbox_.check_send(dest);
  if (!windows_.has_room(dest, bytes)) wait_for_room(dest, bytes, deadline);
  // Who knows by this message what was received here may count on the room.
  if (windows_.owes()) {
    if (const auto total = windows_.owed(dest, mailbox_.queued_bytes(dest))) credit(dest, *total);
  }
  windows_.sent(dest, bytes);
}

std::string MpiChannel::lacking_room_for(int dest, std::size_t bytes) const {
  const auto& peer = session_.peers()[static_cast<std::size_t>(dest)];
  return lacking_room(name_of(dest, peer.host, peer.pid), bytes,
                      {windows_.outstanding_bytes(dest), windows_.window_bytes()});
}

void MpiChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  // Only this rank could make room for what it sends itself, and it is here.
  const Deadline until = dest == rank() ? Deadline::poll() : deadline;
  const bool room = serve_until(
      until,
      [&] {
        mailbox_.check_send(dest);
        return windows_.has_room(dest, bytes);
      },
      [&] { say_long_send(long_waits_, rank(), lacking_room_for(dest, bytes)); });
  if (room) return;
  const auto& peer = session_.peers()[static_cast<std::size_t>(dest)];
  throw_no_room(rank(), dest, name_of(dest, peer.host, peer.pid), bytes,
                {windows_.outstanding_bytes(dest), windows_.window_bytes()});
}

std::optional<Departure> MpiChannel::do_departure(int rank) {
  check();
  take_in(1);
  look_around();
  settle();
  const Departure* const departure = mailbox_.departure(rank);
  return departure == nullptr ? std::nullopt : std::optional{*departure};
}

Info MpiChannel::do_info() const {
  Info info;
  info.transport = "mpi";
  info.library = Session::library();
  for (int rank = 0; rank < size(); ++rank) {
    const auto& peer = session_.peers()[static_cast<std::size_t>(rank)];
    info.peers.push_back({rank, peer.host, peer.pid, {}});
  }
  info.across_hosts = true;
  info.detects_loss = session_.detects_loss();
  info.window_bytes = windows_.window_bytes();
  return info;
}

namespace {

Comms make_comms(MPI_Comm parent) {
  Comms comms;
  check(MPI_Comm_dup(parent, &comms.slots), "MPI_Comm_dup");
  check(MPI_Comm_dup(parent, &comms.bulk), "MPI_Comm_dup");
  return comms;
}

}  // namespace

std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings) {
  Session& session = Session::enter(settings);
  std::array<std::uint64_t, 2> limits{settings.window_bytes, settings.message_bytes_max};
  check(MPI_Bcast(limits.data(), limits.size(), MPI_UINT64_T, 0, session.comm()), "MPI_Bcast");
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<MpiChannel>(session, settings, Limits{limits[0], limits[1]},
                                                  make_comms(session.comm())));
  return channels;
}

}  // namespace rankwire::mpi
