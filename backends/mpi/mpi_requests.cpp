#include "mpi_requests.hpp"

#include <fmt/format.h>

#include <array>
#include <climits>
#include <cstring>
#include <utility>

#include "mpi_error.hpp"
#include "rankwire/errors.hpp"

namespace rankwire::mpi {
namespace {

/// A number of bytes as the count and type of one MPI call, which counts in int.
class Extent {
 public:
  explicit Extent(std::size_t bytes) {
    if (bytes <= INT_MAX) {
      count = static_cast<int>(bytes);
      return;
    }
    MPI_Datatype chunk = MPI_DATATYPE_NULL;
    check(MPI_Type_contiguous(chunk_bytes, MPI_BYTE, &chunk), "MPI_Type_contiguous");
    const auto chunks = bytes / chunk_bytes;
    const std::array lengths{static_cast<int>(chunks), static_cast<int>(bytes % chunk_bytes)};
    const std::array places{MPI_Aint{0}, static_cast<MPI_Aint>(chunks * chunk_bytes)};
    const std::array types{chunk, MPI_Datatype{MPI_BYTE}};
    check(MPI_Type_create_struct(2, lengths.data(), places.data(), types.data(), &type),
          "MPI_Type_create_struct");
    derived_ = true;
    check(MPI_Type_free(&chunk), "MPI_Type_free");
    check(MPI_Type_commit(&type), "MPI_Type_commit");
  }
  /// MPI keeps the type until the calls that were started with it are complete.
  ~Extent() {
    if (derived_) MPI_Type_free(&type);
  }
  Extent(const Extent&) = delete;
  Extent& operator=(const Extent&) = delete;
  Extent(Extent&&) = delete;
  Extent& operator=(Extent&&) = delete;

  int count = 1;
  MPI_Datatype type = MPI_BYTE;

 private:
  static constexpr int chunk_bytes = 1 << 30;
  bool derived_ = false;
};

/// Keeps bytes that MPI may use until the process ends, which is when it stops.
void leave_to_mpi(Buffer&& bytes) {
  static auto& left = *new std::vector<Buffer>;
  left.push_back(std::move(bytes));
}

}  // namespace

template <class Item>
void Requests<Item>::add(MPI_Request request, Item item) {
  requests_.push_back(request);
  items_.push_back(std::move(item));
}

template <class Item>
template <class F>
bool Requests<Item>::complete(F&& done) {
  if (requests_.empty()) return false;
  scratch_.resize(requests_.size());
  int count = 0;
  check(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &count, scratch_.data(),
                     MPI_STATUSES_IGNORE),
        "MPI_Testsome");
  if (count == 0 || count == MPI_UNDEFINED) return false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] == MPI_REQUEST_NULL) {
      done(items_[i]);
      continue;
    }
    if (kept != i) {
      requests_[kept] = requests_[i];
      items_[kept] = std::move(items_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  items_.resize(kept);
  return true;
}

template <class Item>
template <class F>
void Requests<Item>::forget(F&& which) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (which(items_[i])) continue;
    if (kept != i) {
      requests_[kept] = requests_[i];
      items_[kept] = std::move(items_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  items_.resize(kept);
}

Outgoing::~Outgoing() {
  // The whole Send: bytes inside a Buffer must not move either.
  under_way_.forget([](std::unique_ptr<Send>& send) {
    static auto& left = *new std::vector<std::unique_ptr<Send>>;
    left.push_back(std::move(send));
    return true;
  });
}

std::unique_ptr<Outgoing::Send> Outgoing::fresh(int dest, Buffer&& payload) {
  auto send = spare_ ? std::move(spare_) : std::make_unique<Send>();
  send->payload = std::move(payload);
  send->dest = dest;
  send->ordinal = no_message;
  send->borrowed = false;
  return send;
}

/// MPI gets the bytes where they stay: those of a small Buffer lie inside `send`.
void Outgoing::start(MPI_Comm comm, int tag, std::span<const std::byte> bytes,
                     std::unique_ptr<Send> send) {
  const Extent extent{bytes.size()};
  MPI_Request request = MPI_REQUEST_NULL;
  int code = MPI_Isend(bytes.data(), extent.count, extent.type, send->dest, tag, comm, &request);
  int done = 0;
  if (code == MPI_SUCCESS) code = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
  if (code != MPI_SUCCESS) {
    fail(code,
         fmt::format("MPI_Isend of {} bytes to rank {} (tag {})", bytes.size(), send->dest, tag));
  }
  if (done == 0) {
    under_way_.add(request, std::move(send));
    return;
  }
  send->payload = Buffer{};
  spare_ = std::move(send);
}

void Outgoing::send(int dest, int tag, Buffer&& payload) {
  auto send = fresh(dest, std::move(payload));
  send->ordinal = sent_[static_cast<std::size_t>(dest)]++;
  const auto bytes = std::as_const(send->payload).bytes();
  start(data_, tag, bytes, std::move(send));
}

void Outgoing::send_borrowed(int dest, int tag, std::span<const std::byte> payload) {
  auto send = fresh(dest, Buffer{});
  send->ordinal = sent_[static_cast<std::size_t>(dest)]++;
  send->borrowed = true;
  start(data_, tag, payload, std::move(send));
}

bool Outgoing::borrows(int dest) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [dest](const auto& send) { return send->borrowed && send->dest == dest; });
}

void Outgoing::send_control(int dest, Control kind, std::uint64_t value) {
  auto send = fresh(dest, Buffer::copy_of(std::as_bytes(std::span{&value, 1})));
  const auto bytes = std::as_const(send->payload).bytes();
  start(control_, static_cast<int>(kind), bytes, std::move(send));
}

bool Outgoing::complete() {
  return under_way_.complete([this](std::unique_ptr<Send>& send) {
    send->payload = Buffer{};
    spare_ = std::move(send);
  });
}

bool Outgoing::waits(const Mailbox& departures) const {
  const auto& items = under_way_.items();
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& send) { return !departures.departure(send->dest); });
}

bool Outgoing::control_waits(const Mailbox& departures) const {
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

Incoming::~Incoming() {
  for (auto* const arriving : under_way_.items()) {
    leave_to_mpi(std::move(arriving->message.payload));
  }
}

std::size_t Incoming::size_of(const MPI_Status& status) const {
  // Not MPI_Get_count: that one says "undefined" above INT_MAX.
  MPI_Count bytes = 0;
  check(MPI_Get_elements_x(&status, MPI_BYTE, &bytes), "MPI_Get_elements_x");
  if (static_cast<std::uint64_t>(bytes) > bytes_max_) {
    // All ranks have rank 0's limit, so this is no message of a Channel.
    throw TransportError{
        fmt::format("rank {} sent a message of {} bytes (tag {}), above the world's limit of {}",
                    status.MPI_SOURCE, bytes, status.MPI_TAG, bytes_max_)};
  }
  return static_cast<std::size_t>(bytes);
}

bool Incoming::take_one(Mailbox& mailbox) {
  MPI_Message matched = MPI_MESSAGE_NULL;
  MPI_Status status;
  int found = 0;
  check(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, data_, &found, &matched, &status), "MPI_Improbe");
  if (found == 0) return false;
  receive(matched, Message{status.MPI_SOURCE, status.MPI_TAG, Buffer{size_of(status)}}, mailbox);
  return true;
}

void Incoming::receive(MPI_Message matched, Message&& message, Mailbox& mailbox) {
  auto& from = sources_[static_cast<std::size_t>(message.source)];
  const auto bytes = message.payload.bytes();
  if (bytes.size() <= Buffer::inline_bytes) {
    // So few come with their envelope in any MPI: nothing is left to wait for.
    check(MPI_Mrecv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, &matched,
                    MPI_STATUS_IGNORE),
          "MPI_Mrecv");
    deliver(std::move(message), from, mailbox);
    return;
  }
  // Who has departed sends the rest of nothing, and the mailbox would drop it.
  if (mailbox.departure(message.source)) return;
  const Extent extent{bytes.size()};
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Imrecv(bytes.data(), extent.count, extent.type, &matched, &request), "MPI_Imrecv");
  int done = 0;
  check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
  if (done != 0) {
    deliver(std::move(message), from, mailbox);
    return;
  }
  // A move of the message keeps the address of its bytes: they are too many to lie inside it.
  from.queue.push_back({std::move(message), false});
  under_way_.add(request, &from.queue.back());
}

void Incoming::deliver(Message&& message, Source& from, Mailbox& mailbox) {
  if (!from.queue.empty()) {
    from.queue.push_back({std::move(message), true});
    return;
  }
  mailbox.push(std::move(message));
  ++from.delivered;
}

bool Incoming::complete(Mailbox& mailbox) {
  return under_way_.complete([&](Arriving* arriving) {
    arriving->whole = true;
    deliver_whole(sources_[static_cast<std::size_t>(arriving->message.source)], mailbox);
  });
}

void Incoming::deliver_whole(Source& from, Mailbox& mailbox) {
  while (!from.queue.empty() && from.queue.front().whole) {
    mailbox.push(std::move(from.queue.front().message));
    from.queue.pop_front();
    ++from.delivered;
  }
}

void Incoming::abandon(int source) {
  under_way_.forget([source](Arriving* arriving) {
    if (arriving->message.source != source) return false;
    leave_to_mpi(std::move(arriving->message.payload));
    return true;
  });
  sources_[static_cast<std::size_t>(source)].queue.clear();
}

}  // namespace rankwire::mpi
