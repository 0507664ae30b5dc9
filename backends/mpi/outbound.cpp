#include "outbound.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "bells.hpp"
#include "error.hpp"
#include "extent.hpp"
#include "reach.hpp"

namespace rankwire::mpi {

Outbound::Outbound(const Comms& comms, const Reach& reach, Bells& bells)
    : comms_{comms},
      reach_{reach},
      bells_{bells},
      sent_(reach.eager_bytes.size()),
      sent_at_(reach.eager_bytes.size()) {}

Outbound::~Outbound() {
  // Leaves the whole Send to MPI: bytes inside it must not move either.
  under_way_.forget([](std::unique_ptr<Send>& send) {
    static auto& left = *new std::vector<std::unique_ptr<Send>>;
    left.push_back(std::move(send));
    return true;
  });
}

std::unique_ptr<Outbound::Send> Outbound::fresh(int dest, std::uint64_t ordinal) {
  std::unique_ptr<Send> send;
  if (spares_.empty()) {
    send = std::make_unique<Send>();
  } else {
    send = std::move(spares_.back());
    spares_.pop_back();
  }
  send->dest = dest;
  send->ordinal = ordinal;
  send->borrowed = false;
  return send;
}

void Outbound::recycle(std::unique_ptr<Send> send) {
  if (send->block) blocks_.push_back(std::move(send->block));
  send->payload = Buffer{};
  if (spares_.size() < spares_max) spares_.push_back(std::move(send));
}

/// Starts a send. Returns whether MPI is done with the bytes already; if not, they must stay.
bool Outbound::isend(MPI_Comm comm, int dest, int tag, std::span<const std::byte> bytes,
                     MPI_Request& request) {
  const Extent extent{bytes.size()};
  int code = MPI_Isend(bytes.data(), extent.count, extent.type, dest, tag, comm, &request);
  int done = 0;
  if (code == MPI_SUCCESS) code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  if (code != MPI_SUCCESS) [[unlikely]] {
    fail(code, fmt::format("MPI_Isend of {} bytes to rank {} (tag {})", bytes.size(), dest, tag));
  }
  bells_.ring(dest);
  return done != 0;
}

/// Starts `send`. `bytes` must stay where they are: those of a small Buffer lie inside `send`.
void Outbound::start(MPI_Comm comm, int tag, std::span<const std::byte> bytes,
                     std::unique_ptr<Send> send) {
  MPI_Request request = MPI_REQUEST_NULL;
  if (isend(comm, send->dest, tag, bytes, request)) {
    recycle(std::move(send));
  } else {
    add(request, std::move(send), bytes.size());
  }
}

void Outbound::add(MPI_Request request, std::unique_ptr<Send> send, std::size_t bytes) {
  send->bytes = bytes;
  under_way_.add(request, std::move(send));
  if (under_way_.items().size() < complete_at_) return;
  complete();
  // Looks again when there are twice as many as remain. So each send is looked at only a few times,
  // however many there are.
  complete_at_ = std::max(many_under_way, 2 * under_way_.items().size());
}

bool Outbound::has_block() {
  if (!blocks_.empty()) return true;
  if (blocks_made_ == blocks_max) return false;
  blocks_.push_back(std::make_unique_for_overwrite<Block>(reach_.slot_bytes));
  ++blocks_made_;
  return true;
}

/// Sends a copy of `head` and `bytes`, which together fit into a slot. Usually costs nothing but
/// MPI's calls.
void Outbound::copy(int dest, int tag, std::span<const std::byte> head,
                    std::span<const std::byte> bytes, std::uint64_t ordinal) {
  const std::size_t size = head.size() + bytes.size();
  const auto copy_to = [&](std::byte* memory) {
    if (!head.empty()) std::memcpy(memory, head.data(), head.size());
    if (!bytes.empty()) std::memcpy(memory + head.size(), bytes.data(), bytes.size());
  };
  if (!has_block()) {
    auto send = fresh(dest, ordinal);
    send->payload = Buffer{size};
    copy_to(send->payload.data());
    const auto copied = std::as_const(send->payload).bytes();
    start(comms_.slots, tag, copied, std::move(send));
    return;
  }
  auto& block = blocks_.back();
  copy_to(block.get());
  MPI_Request request = MPI_REQUEST_NULL;
  if (isend(comms_.slots, dest, tag, {block.get(), size}, request)) return;
  auto send = fresh(dest, ordinal);
  send->block = std::move(block);
  blocks_.pop_back();
  add(request, std::move(send), size);
}

bool Outbound::copies(int dest, std::size_t bytes) const {
  if (bytes <= copied_bytes_max_in_a_row) return true;
  if (bytes > copied_bytes_max) return false;
  return !reach_.shares_memory(dest) || sent_at_[static_cast<std::size_t>(dest)] != receives_;
}

/// Sends a copy of `payload`, in as many pieces as it needs.
void Outbound::copy_in_pieces(int dest, int tag, std::span<const std::byte> payload,
                              std::uint64_t ordinal) {
  const std::size_t piece_bytes = reach_.eager_bytes[static_cast<std::size_t>(dest)];
  if (payload.size() <= piece_bytes) {
    copy(dest, tag, {}, payload, ordinal);
    return;
  }
  if (payload.size() > copied_bytes_max_in_a_row)
    sent_at_[static_cast<std::size_t>(dest)] = receives_;
  const Note note{Note::Kind::pieces, payload.size()};
  const std::size_t first = piece_bytes - sizeof note;
  copy(dest, note_tag + tag, std::as_bytes(std::span{&note, 1}), payload.first(first), ordinal);
  for (auto rest = payload.subspan(first); !rest.empty();) {
    const std::size_t bytes = std::min(piece_bytes, rest.size());
    copy(dest, tag, {}, rest.first(bytes), ordinal);
    rest = rest.subspan(bytes);
  }
}

void Outbound::copy_note(int dest, int tag, const Note& note, std::uint64_t ordinal) {
  copy(dest, tag, std::as_bytes(std::span{&note, 1}), {}, ordinal);
}

// A payload and the note that announces it have one ordinal: the message is whole when both are
// sent.

std::size_t Outbound::send(int dest, int tag, Buffer&& payload) {
  const auto ordinal = sent_[static_cast<std::size_t>(dest)]++;
  const std::size_t size = payload.size();
  const bool fits = size <= reach_.eager_bytes[static_cast<std::size_t>(dest)];
  if (size <= Buffer::inline_bytes || (!fits && copies(dest, size))) {
    copy_in_pieces(dest, tag, std::as_const(payload).bytes(), ordinal);
    return size;
  }
  if (!fits) copy_note(dest, note_tag + tag, {Note::Kind::payload, payload.size()}, ordinal);
  auto send = fresh(dest, ordinal);
  send->payload = std::move(payload);
  const auto bytes = std::as_const(send->payload).bytes();
  start(fits ? comms_.slots : comms_.bulk, fits ? tag : bulk_tag, bytes, std::move(send));
  return 0;
}

void Outbound::send_copy(int dest, int tag, std::span<const std::byte> payload) {
  copy_in_pieces(dest, tag, payload, sent_[static_cast<std::size_t>(dest)]++);
}

void Outbound::send_borrowed(int dest, int tag, std::span<const std::byte> payload) {
  const auto ordinal = sent_[static_cast<std::size_t>(dest)]++;
  copy_note(dest, note_tag + tag, {Note::Kind::payload, payload.size()}, ordinal);
  auto send = fresh(dest, ordinal);
  send->borrowed = true;
  start(comms_.bulk, bulk_tag, payload, std::move(send));
}

void Outbound::send_note(int dest, const Note& note) {
  copy_note(dest, note_tag, note, no_message);
}

bool Outbound::borrows(int dest) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [dest](const auto& send) { return send->borrowed && send->dest == dest; });
}

bool Outbound::complete() {
  return under_way_.complete([this](std::unique_ptr<Send>& send) {
    // The last of it may have become visible over there only now.
    bells_.ring(send->dest);
    recycle(std::move(send));
  });
}

bool Outbound::has_under_way(const Mailbox& departures) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& send) { return !departures.departure(send->dest); });
}

std::size_t Outbound::bytes_under_way(const Mailbox& departures) const {
  std::size_t bytes = 0;
  for (const auto& send : under_way_.items()) {
    if (!departures.departure(send->dest)) bytes += send->bytes;
  }
  return bytes;
}

bool Outbound::has_notes_under_way(const Mailbox& departures) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(), [&](const auto& send) {
    return send->ordinal == no_message && !departures.departure(send->dest);
  });
}

std::uint64_t Outbound::sent_whole(int dest) const {
  std::uint64_t whole = sent(dest);
  for (const auto& send : under_way_.items()) {
    if (send->dest == dest) whole = std::min(whole, send->ordinal);
  }
  return whole;
}

}  // namespace rankwire::mpi
