#include "mpi_channel.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "mpi_error.hpp"
#include "rankwire/backend/backend.hpp"
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
/// Up to here, in shared memory, the block of the last send may stay while another is received.
constexpr std::size_t kept_bytes_max = std::size_t{1} << 20U;

}  // namespace

MpiChannel::MpiChannel(Session& session, const Settings& settings, const Limits& limits,
                       Comms comms)
    : Channel{{session.rank(), session.size(), limits.message_bytes_max}},
      session_{session},
      comms_{comms},
      wait_{wait_policy(settings.wait, session.crowd())},
      linger_{settings.linger},
      mailbox_{session.rank(), session.size(), false},
      windows_{session.size(), limits.window_bytes},
      outgoing_{comms, session.reach(), session.bells()},
      incoming_{comms, session.reach(), limits.message_bytes_max},
      goodbyes_(static_cast<std::size_t>(session.size())) {
  session_.channel_opened();
}

std::optional<Event> MpiChannel::do_next(const Wanted& wanted, Deadline deadline) {
  Rest rest{wait_, session_.bells()};
  std::optional<Event> event;
  while (true) {
    check_interrupted();
    event = mailbox_.take(wanted);
    bool found = !event && take_in(&wanted, event);
    if (event) {
      if (const auto* const message = std::get_if<Message>(&*event)) note_taken(*message);
      return event;
    }
    const bool idle = !found && (rest.sleeping() || !wanted.waits);
    if (idle || goodbyes_unsettled_ > 0 || ++calls_ % calls_per_look_around == 0)
      found = look_around() || found;
    if (found) {
      rest.begin_again();
      continue;
    }
    if (deadline.expired()) return event;
    pause(rest, deadline);
  }
}

/// Takes over what MPI has for the program. `wanted` (may be null): ends with the message that it
/// asks for, in `event`, unless that may not be the first such.
bool MpiChannel::take_in(const Wanted* wanted, std::optional<Event>& event) {
  const int looks = wanted != nullptr && wanted->waits ? looks_in_a_row : 1;
  for (int look = 0; look < looks; ++look) {
    if (take_once(wanted, event)) return true;
  }
  return false;
}

bool MpiChannel::take_once(const Wanted* wanted, std::optional<Event>& event) {
  bool found = !incoming_.empty() && incoming_.complete(mailbox_);
  for (int i = 0; i < messages_per_look; ++i) {
    // Before the first find, the mailbox has nothing that `wanted` asks for.
    switch (incoming_.take_one(mailbox_, found ? nullptr : wanted, event)) {
      case Incoming::Found::nothing:
        return found;
      case Incoming::Found::wanted:
        return true;
      case Incoming::Found::note:
        heed(incoming_.note_source(), incoming_.note());
        if (mailbox_.messages() == 1) return true;
        break;
      case Incoming::Found::message:
        // Probably the one that is waited for: a second look would cost a part of its time.
        if (mailbox_.messages() == 1) return true;
        break;
    }
    found = true;
  }
  return found;
}

bool MpiChannel::take_in() {
  std::optional<Event> nothing;
  return take_in(nullptr, nothing);
}

/// Everything besides the program's messages.
bool MpiChannel::look_around() {
  const int remaining = mailbox_.remaining();
  outgoing_.complete();
  settle_goodbyes();
  watch_processes();
  return mailbox_.remaining() != remaining;
}

void MpiChannel::pause(Rest& rest, Deadline deadline) const {
  const bool under_way = !incoming_.empty() || outgoing_.waits(mailbox_);
  rest.pause(deadline, under_way,
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
    goodbyes_[static_cast<std::size_t>(source)] = {note.kind, note.value};
    ++goodbyes_unsettled_;
  }
}

void MpiChannel::settle_goodbyes() {
  if (goodbyes_unsettled_ == 0) return;
  for (int rank = 0; rank < size(); ++rank) {
    const auto& goodbye = goodbyes_[static_cast<std::size_t>(rank)];
    if (!goodbye.kind || mailbox_.departure(rank)) continue;
    if (incoming_.delivered(rank) < goodbye.messages) continue;
    --goodbyes_unsettled_;
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

/// Finds the dead (see ProcessWatch).
void MpiChannel::watch_processes() {
  const auto& ended = session_.watch().ended();
  if (ended.size() == ended_seen_) return;
  ended_seen_ = ended.size();
  // What they sent before lies in MPI's hands, all of it: a process that has ended sends no more.
  // Two looks in a row without a find, since one look at MPI takes a bounded number of steps.
  for (int empty = 0; empty < 2;) {
    const bool found = take_in();
    empty = found ? 0 : empty + 1;
  }
  settle_goodbyes();
  for (const int rank : ended) {
    if (mailbox_.departure(rank)) continue;
    incoming_.abandon(rank);
    depart(rank, Departure::Kind::lost, "its process ended");
  }
}

void MpiChannel::depart(int rank, Departure::Kind kind, const char* reason) {
  const auto& peer = session_.peers()[static_cast<std::size_t>(rank)];
  mailbox_.depart({rank, kind, peer.host, peer.pid, reason});
}

/// Tells the sender of a message that the program has it, when it is time.
void MpiChannel::note_taken(const Message& taken) {
  outgoing_.begin_turn();
  note_copied(incoming_.take_copied_bytes());
  const auto total = windows_.taken(taken.source, taken.payload.size());
  if (!total) return;
  if (taken.source == rank()) {
    windows_.credited(taken.source, *total);
  } else if (!mailbox_.departure(taken.source)) {
    outgoing_.send_note(taken.source, {Note::Kind::credit, *total});
  }
}

void MpiChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) {
    mailbox_.push({dest, tag, std::move(payload)});
    return;
  }
  note_copied(outgoing_.send(dest, tag, std::move(payload)));
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
  serve_until(deadline, [&] {
    check_interrupted();
    for (int look = 0; look < looks_in_a_row && outgoing_.borrows(dest); ++look) {
      outgoing_.complete();
    }
    return !outgoing_.borrows(dest) || mailbox_.departure(dest);
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
  check_interrupted();
  // A program that only sends must hear of departures too, and let go of what is sent.
  if (++calls_ % calls_per_look_around == 0) {
    take_in();
    look_around();
  }
  mailbox_.check_send(dest);
  if (!windows_.has_room(dest, bytes)) wait_for_room(dest, bytes, deadline);
  windows_.sent(dest, bytes);
}

void MpiChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  // Only this rank could make room for what it sends itself, and it is here.
  const Deadline until = dest == rank() ? Deadline::poll() : deadline;
  const bool room = serve_until(until, [&] {
    check_interrupted();
    mailbox_.check_send(dest);
    return windows_.has_room(dest, bytes);
  });
  if (room) return;
  const auto& peer = session_.peers()[static_cast<std::size_t>(dest)];
  throw_no_room(rank(), dest, name_of(dest, peer.host, peer.pid), bytes,
                {windows_.outstanding_bytes(dest), windows_.window_bytes()});
}

std::optional<Departure> MpiChannel::do_departure(int rank) {
  check_interrupted();
  take_in();
  look_around();
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

std::vector<std::unique_ptr<Channel>> open_mpi(const Settings& settings) {
  Session& session = Session::enter(settings);
  std::array<std::uint64_t, 2> limits{settings.window_bytes, settings.message_bytes_max};
  check(MPI_Bcast(limits.data(), limits.size(), MPI_UINT64_T, 0, session.comm()), "MPI_Bcast");
  std::vector<std::unique_ptr<Channel>> channels;
  channels.push_back(std::make_unique<MpiChannel>(session, settings, Limits{limits[0], limits[1]},
                                                  make_comms(session.comm())));
  return channels;
}

}  // namespace
}  // namespace rankwire::mpi

namespace rankwire {

extern const Backend mpi_backend;
const Backend mpi_backend{"mpi", mpi::open_mpi};

}  // namespace rankwire
