#include "channel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "carrier.hpp"
#include "rankwire/backend/interrupt.hpp"

namespace rankwire::mpi {
namespace {

/// A busy rank looks around once in this many calls and looks that find nothing.
constexpr unsigned calls_per_look_around = 64;
/// One look takes in at most this many messages.
constexpr int messages_per_look = 64;
/// A wait asks MPI this many times in a row before it looks at anything else, even the clock. Each
/// other look would make it see its message later.
constexpr int looks_in_a_row = 16;
/// A span of up to this size is copied.
constexpr std::size_t copied_bytes_max = std::size_t{64} << 10U;
/// In shared memory, the block of the last send may stay in use while a payload of up to this size
/// is received.
constexpr std::size_t kept_bytes_max = std::size_t{1} << 20U;

std::vector<PeerInfo> peers_of(const Job& job) {
  std::vector<PeerInfo> peers;
  for (const auto& facts : job.peers()) {
    peers.push_back({static_cast<int>(peers.size()), facts.host, facts.pid, {}});
  }
  return peers;
}

/// The value of Note::Kind::way.
std::uint64_t value_of(std::optional<Way> quicker) {
  return quicker ? static_cast<std::uint64_t>(*quicker) : UINT64_MAX;
}
std::optional<Way> way_in(const Note& note) {
  for (const Way way : {Way::pieces, Way::announced}) {
    if (note.value == value_of(way)) return way;
  }
  return std::nullopt;
}

}  // namespace

MpiChannel::MpiChannel(Job& job, const Settings& settings, const Limits& limits, Comms comms)
    : Channel{{job.rank(), job.size(), limits.message_bytes_max}},
      job_{job},
      comms_{comms},
      rest_{wait_policy(settings.wait, job.crowd()), job.bells()},
      linger_{settings.linger},
      ledger_{job.rank(), job.size(), limits.memory, peers_of(job), std::make_shared<WorldEnd>()},
      outbound_{std::make_unique<MpiCarrier>(comms, job.bells()), job.reach()},
      inbound_{comms, job.reach(), limits.message_bytes_max},
      vigil_{job, ledger_, inbound_, outbound_, goodbyes_, limits.grace},
      herald_{job.rank() == 0 ? job.size() : 0} {
  const bool starts_thread = settings.progress_thread && job.allows_thread();
  job_.channel_opened();
  if (!starts_thread) return;
  vigil_.begin_signs();
  if (!start_progress()) vigil_.end_signs();
  job_.has_thread([this] {
    stop_progress();
    vigil_.end_signs();
  });
}

void MpiChannel::check() {
  if (ledger_.end().has_come()) [[unlikely]] {
    if (ledger_.end().is_by(rank())) {
      tell_abort();
      end_job();
    }
    ledger_.end().check();
  }
  if (interruptible_) check_interrupted();
}

std::optional<Event> MpiChannel::do_next(const Wanted& wanted, Deadline deadline) {
  check();
  if (look_timer_.due()) {
    take_in(1);
    look_around();
  }
  auto event = ledger_.take(wanted);
  if (!event) {
    const Rest::Wait wait{rest_};
    Rounds rounds{*this};
    ledger_.wait_for(rounds, wanted, deadline, event);
  }
  if (event) {
    if (const auto* const message = std::get_if<Message>(&*event)) note_taken(*message);
  }
  return event;
}

bool MpiChannel::step(Deadline until) {
  const bool waits = !until.is_poll();
  bool found = outbound_.waits() && outbound_.complete();
  found = take_in(waits ? looks_in_a_row : 1) || found;
  if (!ledger_.mailbox().met()) {
    const bool idle = !found && (rest_.sleeping() || !waits);
    if (idle || ledger_.awaits_departures() || vigil_.has_ended() ||
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

/// Takes over what MPI has for the program. Stops once the wait's message is there.
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
  bool found = !inbound_.empty() && inbound_.complete(ledger_);
  for (int i = 0; i < messages_per_look && !ledger_.mailbox().met(); ++i) {
    const auto what = inbound_.take_one(ledger_);
    if (what == Inbound::Found::nothing) break;
    const bool is_news =
        what == Inbound::Found::message || heed(inbound_.note_source(), inbound_.note());
    // Signs of life alone keep no rank awake.
    found = found || is_news || i + 1 == messages_per_look;
  }
  if (const auto finding = inbound_.take_finding()) [[unlikely]]
    tell_way(*finding);
  return found;
}

/// Looks at everything besides the program's messages.
bool MpiChannel::look_around() {
  look_timer_.looked();
  const int remaining = ledger_.mailbox().remaining();
  outbound_.complete();
  settle_goodbyes();
  tell_departures();
  if (vigil_.look(empty_looks_)) {
    // Those who can still hear this rank must not wait for it.
    outbound_.drop_waiting();
    say_goodbye(Note::Kind::cut_off);
  }
  return ledger_.mailbox().remaining() != remaining;
}

void MpiChannel::pause(Deadline deadline) {
  if (rest_.sleeping()) {
    settle();
    deadline = deadline.sooner(ledger_.settles_at()).sooner(herald_.tells_at());
  }
  const bool under_way = !inbound_.empty() || outbound_.pending().any();
  rest_.pause(deadline, under_way,
              under_way ? inbound_.bytes_under_way() + outbound_.pending().bytes : 0);
}

/// Returns whether the program may gain something by it.
bool MpiChannel::heed(int source, const Note& note) {
  if (vigil_.heed(source, note)) return false;
  if (note.kind == Note::Kind::payload) {
    // Frees what was sent, so that the new payload reuses its block. Otherwise the rank fills
    // another block each time, which costs 4 MiB there and back a third of their time, and 1 MiB
    // over TCP a fifth. In shared memory, payloads of up to 1 MiB gain as much from not doing so:
    // the other rank then reads from a block that is not in this one's cache.
    const bool stays = job_.reach().shares_memory(source) && note.value <= kept_bytes_max;
    if (!stays) outbound_.complete();
    inbound_.receive_announced(ledger_);
  } else if (note.kind == Note::Kind::credit) {
    ledger_.credited(source, note.value);
  } else if (note.kind == Note::Kind::want) {
    ledger_.wanted({source, note.group, note.value});
    grant();
  } else if (note.kind == Note::Kind::grant) {
    ledger_.granted({source, note.group, note.value});
  } else if (note.kind == Note::Kind::aborted) {
    if (vigil_.gave_up(source)) return false;
    const PeerInfo by = ledger_.peer(source);
    ledger_.end().record(source, by.host, by.pid, static_cast<int>(ExitCode::aborted),
                         "it called abort; its own output says why");
  } else if (note.kind == Note::Kind::way) {
    outbound_.learned(source, note.group, way_in(note));
  } else if (note.has_list()) {
    hear_list(source, note);
  } else {
    hear_goodbye(source, note);
  }
  return true;
}

/// Counts a message that the program has taken, and reports it to the sender if it is time.
void MpiChannel::note_taken(const Message& taken) {
  outbound_.note_received();
  note_copied(inbound_.take_copied_bytes());
  if (const auto total = ledger_.taken(taken.source, taken.payload.size())) {
    credit(taken.source, *total);
  }
  if (ledger_.has_wants()) grant();
}

/// Tells senders what room they have been granted (Budget).
void MpiChannel::grant() {
  ledger_.grant([this](const Budget::Grant& to) {
    outbound_.send_note(to.rank, {Note::Kind::grant, to.number, to.total});
  });
}

void MpiChannel::credit(int source, std::uint64_t total) {
  outbound_.send_note(source, {Note::Kind::credit, 0, total});
}

/// Tells a sender which way is the quicker for its payloads.
void MpiChannel::tell_way(const Inbound::Finding& finding) {
  const auto& [group, quicker] = finding.verdict;
  outbound_.send_note(finding.source, {Note::Kind::way, group, value_of(quicker)});
}

void MpiChannel::settle() {
  ledger_.settle([this](int source, std::uint64_t total) { credit(source, total); });
  ledger_.give_back([this](const Budget::Want& want) { tell_want(want); });
  grant();
}

void MpiChannel::tell_want(const Budget::Want& want) {
  outbound_.send_note(want.rank, {Note::Kind::want, want.number, want.total});
}

void MpiChannel::do_send(int dest, int tag, Buffer&& payload, Deadline deadline) {
  prepare_send(dest, payload.size(), deadline);
  if (dest == rank()) return ledger_.send_to_self(tag, std::move(payload));
  note_copied(outbound_.send(dest, tag, std::move(payload)));
  if (!outbound_.empty()) rest_.begin_again();  // it moves only while MPI is called
}

void MpiChannel::do_send_borrowed(int dest, int tag, std::span<const std::byte> payload,
                                  Deadline deadline) {
  // A copy of so few bytes costs less than a wait for the receiver. And a send that was started
  // cannot be taken back: one that may have to give up at its deadline must own its bytes. So must
  // one to a rank that may be given up and come back.
  if (dest == rank() || payload.size() <= copied_bytes_max || !deadline.is_never() ||
      vigil_.has_signs()) {
    note_copied(payload.size());
    do_send(dest, tag, Buffer::copy_of(payload), deadline);
    return;
  }
  check();
  const auto say_long = [&] {
    ledger_.say_long_send(fmt::format("{} to take {} bytes that are sent from the program's memory",
                                      ledger_.name(dest), payload.size()));
  };
  // What is before it goes first. Nothing was counted yet, in case the wait is interrupted.
  if (!outbound_.is_clear(dest)) {
    serve_until(
        deadline,
        [&] { return outbound_.is_clear(dest) || ledger_.mailbox().departure(dest) != nullptr; },
        say_long);
  }
  prepare_send(dest, payload.size(), deadline);
  outbound_.send_borrowed(dest, tag, payload);
  rest_.begin_again();
  serve_until(
      deadline,
      [&] {
        for (int look = 0; look < looks_in_a_row && outbound_.borrows(); ++look) {
          outbound_.complete();
        }
        return !outbound_.borrows() || ledger_.mailbox().departure(dest);
      },
      say_long);
  // One look may find both the end of the send and the receiver's departure. And a rank that left
  // may be taking these bytes just now; nobody else will ever read them.
  const Departure* const departure = ledger_.mailbox().departure(dest);
  const bool left = departure && departure->kind == Departure::Kind::left;
  const auto sent = [&] {
    outbound_.complete();
    return !outbound_.borrows();
  };
  if (!serve_until(left ? Deadline{last_moves} : Deadline::poll(), sent))
    ledger_.mailbox().check_send(dest);
}

/// Returns when the message may be sent. Counts it if it goes to another rank.
void MpiChannel::prepare_send(int dest, std::size_t bytes, Deadline deadline) {
  check();
  // A program that only sends must also hear of departures, free what was sent, and report what it
  // has received.
  if (++calls_ % calls_per_look_around == 0) {
    take_in(1);
    look_around();
    settle();
  }
  ledger_.mailbox().check_send(dest);
  if (!ledger_.has_room(dest, bytes)) wait_for_room(dest, bytes, deadline);
  if (const auto total = ledger_.owed(dest)) credit(dest, *total);
  if (dest != rank()) ledger_.sent(dest, bytes);
}

void MpiChannel::wait_for_room(int dest, std::size_t bytes, Deadline deadline) {
  const Rest::Wait wait{rest_};
  Rounds rounds{*this};
  ledger_.wait_for_room(rounds, dest, bytes, deadline,
                        [this](const Budget::Want& want) { tell_want(want); });
}

std::optional<Departure> MpiChannel::do_departure(int rank) {
  check();
  take_in(1);
  look_around();
  settle();
  return ledger_.departure(rank);
}

/// What a wait does in its rounds, without the wait. Payloads that are under way move only while
/// MPI is called. So it goes on for as long as their bytes take at 1 GB/s, within bounds: their
/// other side may have no thread that moves them.
bool MpiChannel::do_progress() {
  constexpr std::size_t bytes_at_once = 20'000'000;
  if (ledger_.end().has_come()) {
    if (ledger_.end().is_by(rank())) {
      tell_abort();
      end_job();
    }
    return false;
  }
  bool found = false;
  const auto start = Deadline::Clock::now();
  std::chrono::nanoseconds moving{0};
  do {
    found = take_in(1) || found;
    found = outbound_.complete() || found;
    const std::size_t bytes = inbound_.bytes_under_way() + outbound_.pending().bytes;
    moving = std::chrono::nanoseconds{std::min(bytes, bytes_at_once)};
    if (!found) std::this_thread::yield();
  } while (!is_wanted() && Deadline::Clock::now() - start < moving);
  look_around();
  settle();
  return found;
}

void MpiChannel::do_stay_out() {
  vigil_.fall_silent();
}

Info MpiChannel::do_info() const {
  Info info = ledger_.info();
  info.transport = "mpi";
  info.library = Job::library();
  info.across_hosts = true;
  info.detects_loss = job_.survives_deaths() && (job_.watch().complete() || vigil_.has_signs());
  return info;
}

}  // namespace rankwire::mpi
