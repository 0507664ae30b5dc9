#include "inbound.hpp"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "error.hpp"
#include "extent.hpp"
#include "rankwire/backend/batch.hpp"
#include "rankwire/errors.hpp"

namespace rankwire::mpi {
namespace {

constexpr int looks_for_payload = 16;

/// Keeps bytes until the process ends, because MPI may use them until then.
void leave_to_mpi(Buffer&& bytes) {
  static auto& left = *new std::vector<Buffer>;
  left.push_back(std::move(bytes));
}

}  // namespace

Inbound::Inbound(const Comms& comms, const Reach& reach, std::uint64_t message_bytes_max)
    : slots_{comms.slots, reach.slot_bytes()},
      bulk_{comms.bulk},
      bytes_max_{message_bytes_max},
      sources_(reach.near.size()) {}

Inbound::~Inbound() {
  for (auto* const arriving : under_way_.items()) {
    leave_to_mpi(std::move(arriving->message.payload));
  }
}

void Inbound::check_size(std::uint64_t bytes, int source, int tag) const {
  if (bytes <= bytes_max_) [[likely]]
    return;
  // Every Channel checks this limit, which rank 0 sets for all. So no Channel sent this message.
  throw TransportError{
      fmt::format("rank {} sent a message of {} bytes (tag {}), above the world's limit of {}",
                  source, bytes, tag, bytes_max_)};
}

Inbound::Found Inbound::take_one(Ledger& ledger) {
  if (!batch_.rest.empty()) {
    take_from_batch(ledger);
    return Found::message;
  }
  MPI_Status status;
  if (!slots_.look(status)) return Found::nothing;
  auto& from = sources_[static_cast<std::size_t>(status.MPI_SOURCE)];
  ++from.come;
  // A note that announces nothing may come between the pieces of a message.
  if (status.MPI_TAG >= note_tag) return take_note(status, ledger);
  const auto bytes = slots_.bytes(status);
  if (from.missing_bytes > 0) {
    take_piece(bytes, from, ledger);
    slots_.done();
    return Found::message;
  }
  check_size(bytes.size(), status.MPI_SOURCE, status.MPI_TAG);
  Message message{status.MPI_SOURCE, status.MPI_TAG, Buffer::copy_of(bytes)};
  copied_bytes_ += bytes.size();
  slots_.done();
  deliver(std::move(message), from, ledger);
  return Found::message;
}

Inbound::Found Inbound::take_note(const MPI_Status& status, Ledger& ledger) {
  const auto bytes = slots_.bytes(status);
  note_source_ = status.MPI_SOURCE;
  note_tag_ = status.MPI_TAG - note_tag;
  if (bytes.size() >= sizeof note_) std::memcpy(&note_, bytes.data(), sizeof note_);
  const bool batch = note_.kind == Note::Kind::batch;
  const bool begins = batch || note_.kind == Note::Kind::pieces;
  const bool has_more = bytes.size() > sizeof note_;
  if (bytes.size() < sizeof note_ || (has_more && !begins && !note_.has_list())) {
    throw TransportError{fmt::format("rank {} sent a note of {} bytes, which should have {}",
                                     note_source_, bytes.size(), sizeof note_)};
  }
  if (note_.has_list()) {
    note_list_.resize((bytes.size() - sizeof note_) / sizeof note_list_[0]);
    std::memcpy(note_list_.data(), bytes.data() + sizeof note_,
                note_list_.size() * sizeof note_list_[0]);
  }
  // A rank that has departed sends nothing more, and the mailbox would drop it.
  if (!begins || ledger.mailbox().departure(note_source_)) {
    slots_.done();
    return begins ? Found::message : Found::note;
  }
  const auto rest = bytes.subspan(sizeof note_);
  if (batch) {
    batch_ = {note_source_, rest};
    take_from_batch(ledger);  // the slot is done with the last of them
    return Found::message;
  }
  auto& from = sources_[static_cast<std::size_t>(note_source_)];
  from.queue.push_back(announced());
  from.missing_bytes = note_.value;
  take_piece(rest, from, ledger);
  slots_.done();
  return Found::message;
}

/// The message that note_ announces.
Inbound::Arriving Inbound::announced() {
  check_size(note_.value, note_source_, note_tag_);
  Arriving arriving{{note_source_, note_tag_, Buffer{note_.value}}};
  if (note_.group == 0) return arriving;
  arriving.group = note_.group;
  arriving.noted = Deadline::Clock::now();
  return arriving;
}

void Inbound::take_from_batch(Ledger& ledger) {
  const auto entry = take_entry(batch_.rest);
  if (!entry || entry->tag > static_cast<std::uint32_t>(tag_max)) {
    throw TransportError{
        fmt::format("rank {} sent messages together that are not sound", batch_.source)};
  }
  const int tag = static_cast<int>(entry->tag);
  check_size(entry->payload.size(), batch_.source, tag);
  Message message{batch_.source, tag, Buffer::copy_of(entry->payload)};
  copied_bytes_ += entry->payload.size();
  if (batch_.rest.empty()) slots_.done();
  deliver(std::move(message), sources_[static_cast<std::size_t>(batch_.source)], ledger);
}

void Inbound::take_piece(std::span<const std::byte> bytes, Source& from, Ledger& ledger) {
  auto& arriving = from.queue.back();
  const auto memory = arriving.message.payload.bytes().last(from.missing_bytes);
  if (bytes.size() > memory.size()) {
    throw TransportError{fmt::format("rank {} sent {} bytes more of a message than it has",
                                     arriving.message.source, bytes.size() - memory.size())};
  }
  std::memcpy(memory.data(), bytes.data(), bytes.size());
  copied_bytes_ += bytes.size();
  from.missing_bytes -= bytes.size();
  if (from.missing_bytes > 0) return;
  time(arriving, Way::pieces);
  arriving.whole = true;
  deliver_whole(from, ledger);
}

void Inbound::receive_announced(Ledger& ledger) {
  if (ledger.mailbox().departure(note_source_)) return;
  Arriving arriving = announced();
  auto& from = sources_[static_cast<std::size_t>(note_source_)];
  const auto bytes = arriving.message.payload.bytes();
  const Extent extent{bytes.size()};
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Irecv(bytes.data(), extent.count, extent.type, note_source_, bulk_tag, bulk_, &request),
        "MPI_Irecv");
  // The sender's MPI offers the payload right after the note. In shared memory it then comes in one
  // step: payloads of 64 KiB and 1 MiB in a row take a seventh less time than without these looks.
  int done = 0;
  for (int look = 0; done == 0 && look < looks_for_payload; ++look) {
    check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  }
  if (done != 0) {
    time(arriving, Way::announced);
    deliver(std::move(arriving.message), from, ledger);
    return;
  }
  // Moving the message keeps the address of its bytes: they are too many to lie inside the Buffer.
  from.queue.push_back(std::move(arriving));
  under_way_.add(request, &from.queue.back());
}

/// Counts how long a payload took that has just become whole.
void Inbound::time(const Arriving& arrived, Way way) {
  const int source = arrived.message.source;
  auto& from = sources_[static_cast<std::size_t>(source)];
  const auto now = Deadline::Clock::now();
  const auto whole_before = std::exchange(from.whole_at, now);
  if (arrived.group == 0) return;
  if (!from.times) from.times = std::make_unique<WayTimes>();
  const bool in_a_row = Ways::is_in_a_row(arrived.group);
  const auto verdict =
      from.times->add(arrived.group, way, now - (in_a_row ? whole_before : arrived.noted));
  if (verdict) finding_ = {source, *verdict};
}

void Inbound::deliver(Message&& message, Source& from, Ledger& ledger) {
  if (!from.queue.empty()) {
    from.queue.push_back({std::move(message), true});
    return;
  }
  ledger.push(std::move(message));
}

/// Gives the messages at the head of the queue to `ledger` that are whole.
void Inbound::deliver_whole(Source& from, Ledger& ledger) {
  while (!from.queue.empty() && from.queue.front().whole) {
    ledger.push(std::move(from.queue.front().message));
    from.queue.pop_front();
  }
}

bool Inbound::complete(Ledger& ledger) {
  return under_way_.complete([&](Arriving* arriving) {
    time(*arriving, Way::announced);
    arriving->whole = true;
    deliver_whole(sources_[static_cast<std::size_t>(arriving->message.source)], ledger);
  });
}

std::size_t Inbound::bytes_under_way() const {
  std::size_t bytes = 0;
  for (const auto* const arriving : under_way_.items()) bytes += arriving->message.payload.size();
  return bytes;
}

std::size_t Inbound::bytes_under_way(int source) const {
  std::size_t bytes = 0;
  for (const auto* const arriving : under_way_.items()) {
    if (arriving->message.source == source) bytes += arriving->message.payload.size();
  }
  return bytes;
}

void Inbound::abandon(int source) {
  under_way_.forget([source](Arriving* arriving) {
    if (arriving->message.source != source) return false;
    leave_to_mpi(std::move(arriving->message.payload));
    return true;
  });
  auto& from = sources_[static_cast<std::size_t>(source)];
  from.queue.clear();
  from.missing_bytes = 0;
}

}  // namespace rankwire::mpi
