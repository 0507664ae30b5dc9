#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mpi_requests.hpp"
#include "mpi_slots.hpp"
#include "rankwire/backend/mailbox.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::mpi {

class Bells;

/// A channel's own communicators.
struct Comms {
  MPI_Comm slots = MPI_COMM_NULL;  ///< what fits a slot: messages and notes
  MPI_Comm bulk = MPI_COMM_NULL;   ///< payloads that were announced by a note, in that order
};

/// Of all payloads on Comms::bulk; the note that goes before says the message's own.
inline constexpr int bulk_tag = 0;

/// The messages on their way out of one channel, and the bytes that MPI may still read.
class Outgoing {
 public:
  Outgoing(const Comms& comms, int size, Bells& bells)
      : comms_{comms},
        bells_{bells},
        sent_(static_cast<std::size_t>(size)),
        copy_{new std::array<std::byte, slot_bytes>} {}
  /// Bytes of sends that are not complete are left to MPI: a started send cannot be taken back.
  ~Outgoing();
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;
  Outgoing(Outgoing&&) = delete;
  Outgoing& operator=(Outgoing&&) = delete;

  /// Starts a send that owns its bytes.
  void send(int dest, int tag, Buffer&& payload);
  /// Starts a send of a copy of at most slot_bytes.
  void send_copy(int dest, int tag, std::span<const std::byte> payload);
  /// Starts a send of the caller's bytes, which must stay until borrows(dest) says no. One at a
  /// time, and of more than slot_bytes.
  void send_borrowed(int dest, int tag, std::span<const std::byte> payload);
  [[nodiscard]] bool borrows(int dest) const;
  void send_note(int dest, const Note& note);

  /// Lets go of what is complete.
  bool complete();
  [[nodiscard]] bool empty() const { return under_way_.empty(); }
  /// Sends to a rank that has not departed are under way; of so many bytes.
  [[nodiscard]] bool waits(const Mailbox& departures) const;
  [[nodiscard]] std::size_t bytes_waiting(const Mailbox& departures) const;
  /// As waits(), of notes of no message alone.
  [[nodiscard]] bool notes_wait(const Mailbox& departures) const;
  /// How many messages to `dest` were started, and how many of these before the first that is not
  /// complete: so many are sure to arrive.
  [[nodiscard]] std::uint64_t sent(int dest) const { return sent_[static_cast<std::size_t>(dest)]; }
  [[nodiscard]] std::uint64_t sent_whole(int dest) const;

 private:
  struct Send {
    Buffer payload;  // empty for a borrowed one, and for the one in copy_
    int dest = 0;
    std::uint64_t ordinal = 0;  // of the messages to dest; see no_message
    std::size_t bytes = 0;
    bool borrowed = false;
  };
  static constexpr std::uint64_t no_message = UINT64_MAX;
  static constexpr std::size_t spares_max = 256;
  [[nodiscard]] std::unique_ptr<Send> fresh(int dest, std::uint64_t ordinal);
  [[nodiscard]] std::span<const std::byte> copy(Send& send, std::span<const std::byte> bytes);
  void start(MPI_Comm comm, int tag, std::span<const std::byte> bytes, std::unique_ptr<Send> send);
  void announce(int dest, int tag, std::size_t bytes, std::uint64_t ordinal);
  void keep(std::unique_ptr<Send> send);

  Comms comms_;
  Bells& bells_;
  std::vector<std::uint64_t> sent_;  // messages by destination
  Requests<std::unique_ptr<Send>> under_way_;
  // So that small sends allocate nothing: Sends to use again, and memory for the copy of one. Most
  // are complete at once; one that is not keeps that memory, and the next are copied into Buffers.
  std::vector<std::unique_ptr<Send>> spares_;
  std::unique_ptr<std::array<std::byte, slot_bytes>> copy_;
  const Send* copied_ = nullptr;  // the one under way whose bytes are in copy_
};

}  // namespace rankwire::mpi
