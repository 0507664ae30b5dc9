#include "mpi_outgoing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mpi_bells.hpp"
#include "mpi_error.hpp"
#include "mpi_extent.hpp"

namespace rankwire::mpi {

Outgoing::~Outgoing() {
  // The whole Send: bytes inside it must not move either.
  under_way_.forget([](std::unique_ptr<Send>& send) {
    static auto& left = *new std::vector<std::unique_ptr<Send>>;
    left.push_back(std::move(send));
    return true;
  });
  if (copied_ != nullptr) [[maybe_unused]]
    auto* const left = copy_.release();
}

std::unique_ptr<Outgoing::Send> Outgoing::fresh(int dest, std::uint64_t ordinal) {
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

void Outgoing::keep(std::unique_ptr<Send> send) {
  if (copied_ == send.get()) copied_ = nullptr;
  send->payload = Buffer{};
  if (spares_.size() < spares_max) spares_.push_back(std::move(send));
}

std::span<const std::byte> Outgoing::copy(Send& send, std::span<const std::byte> bytes) {
  if (copied_ != nullptr) {
    send.payload = Buffer::copy_of(bytes);
    return std::as_const(send.payload).bytes();
  }
  copied_ = &send;
  if (!bytes.empty()) std::memcpy(copy_->data(), bytes.data(), bytes.size());
  return {copy_->data(), bytes.size()};
}

/// MPI gets the bytes where they stay: those of a small Buffer lie inside `send`.
void Outgoing::start(MPI_Comm comm, int tag, std::span<const std::byte> bytes,
                     std::unique_ptr<Send> send) {
  const Extent extent{bytes.size()};
  send->bytes = bytes.size();
  MPI_Request request = MPI_REQUEST_NULL;
  int code = MPI_Isend(bytes.data(), extent.count, extent.type, send->dest, tag, comm, &request);
  int done = 0;
  if (code == MPI_SUCCESS) code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  if (code != MPI_SUCCESS) [[unlikely]] {
    fail(code,
         fmt::format("MPI_Isend of {} bytes to rank {} (tag {})", bytes.size(), send->dest, tag));
  }
  bells_.ring(send->dest);
  if (done == 0) {
    under_way_.add(request, std::move(send));
  } else {
    keep(std::move(send));
  }
}

/// The note counts as part of its message: neither is whole without the other.
void Outgoing::announce(int dest, int tag, std::size_t bytes, std::uint64_t ordinal) {
  const Note note{Note::Kind::payload, bytes};
  auto send = fresh(dest, ordinal);
  const auto copied = copy(*send, std::as_bytes(std::span{&note, 1}));
  start(comms_.slots, note_tag + tag, copied, std::move(send));
}

void Outgoing::send(int dest, int tag, Buffer&& payload) {
  const auto ordinal = sent_[static_cast<std::size_t>(dest)]++;
  const bool fits = payload.size() <= slot_bytes;
  if (!fits) announce(dest, tag, payload.size(), ordinal);
  auto send = fresh(dest, ordinal);
  send->payload = std::move(payload);
  const auto bytes = std::as_const(send->payload).bytes();
  start(fits ? comms_.slots : comms_.bulk, fits ? tag : bulk_tag, bytes, std::move(send));
}

void Outgoing::send_copy(int dest, int tag, std::span<const std::byte> payload) {
  auto send = fresh(dest, sent_[static_cast<std::size_t>(dest)]++);
  const auto copied = copy(*send, payload);
  start(comms_.slots, tag, copied, std::move(send));
}

void Outgoing::send_borrowed(int dest, int tag, std::span<const std::byte> payload) {
  const auto ordinal = sent_[static_cast<std::size_t>(dest)]++;
  announce(dest, tag, payload.size(), ordinal);
  auto send = fresh(dest, ordinal);
  send->borrowed = true;
  start(comms_.bulk, bulk_tag, payload, std::move(send));
}

bool Outgoing::borrows(int dest) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [dest](const auto& send) { return send->borrowed && send->dest == dest; });
}

void Outgoing::send_note(int dest, const Note& note) {
  auto send = fresh(dest, no_message);
  const auto copied = copy(*send, std::as_bytes(std::span{&note, 1}));
  start(comms_.slots, note_tag, copied, std::move(send));
}

bool Outgoing::complete() {
  return under_way_.complete([this](std::unique_ptr<Send>& send) {
    // Only now may the last of it have become visible over there.
    bells_.ring(send->dest);
    keep(std::move(send));
  });
}

bool Outgoing::waits(const Mailbox& departures) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& send) { return !departures.departure(send->dest); });
}

std::size_t Outgoing::bytes_waiting(const Mailbox& departures) const {
  std::size_t bytes = 0;
  for (const auto& send : under_way_.items()) {
    if (!departures.departure(send->dest)) bytes += send->bytes;
  }
  return bytes;
}

bool Outgoing::notes_wait(const Mailbox& departures) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(), [&](const auto& send) {
    return send->ordinal == no_message && !departures.departure(send->dest);
  });
}

std::uint64_t Outgoing::sent_whole(int dest) const {
  std::uint64_t whole = sent(dest);
  for (const auto& send : under_way_.items()) {
    if (send->dest == dest) whole = std::min(whole, send->ordinal);
  }
  return whole;
}

}  // namespace rankwire::mpi
