#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "rankwire/backend/mailbox.hpp"
#include "rankwire/buffer.hpp"
#include "requests.hpp"
#include "slots.hpp"

namespace rankwire::mpi {

class Bells;
struct Reach;

/// A channel's own communicators.
struct Comms {
  MPI_Comm slots = MPI_COMM_NULL;  ///< what fits a slot: messages and notes
  MPI_Comm bulk = MPI_COMM_NULL;   ///< payloads that were announced by a note, in that order
};

/// A payload up to here is copied into slots, in pieces of what MPI sends at once. Here, 16 KiB one
/// way in shared memory: 3.1 us, and 4.8 us when MPI first asks the receiver; 64 KiB: 11 and 13 us.
/// A larger one is announced by a Note, and comes into memory of its own. So does, in shared
/// memory, one above the second limit that is not the first since the program last received: in a
/// row, on cores that share no cache, the copies of 64 KiB take 26 us, and MPI's own way 8.
inline constexpr std::size_t copied_bytes_max = std::size_t{64} << 10U;
inline constexpr std::size_t copied_bytes_max_in_a_row = std::size_t{16} << 10U;

/// Of all payloads on Comms::bulk; the note that goes before says the message's own.
inline constexpr int bulk_tag = 0;

/// The messages on their way out of one channel, and the bytes that MPI may still read.
class Outbound {
 public:
  Outbound(const Comms& comms, const Reach& reach, Bells& bells);
  /// Bytes of sends that are not complete are left to MPI: a started send cannot be taken back.
  ~Outbound();
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;
  Outbound(Outbound&&) = delete;
  Outbound& operator=(Outbound&&) = delete;

  /// Starts a send that owns its bytes; says how many of them it copied.
  std::size_t send(int dest, int tag, Buffer&& payload);
  /// Starts a send of a copy of a payload that copies() approves of.
  void send_copy(int dest, int tag, std::span<const std::byte> payload);
  /// Starts a send of the caller's bytes, which must stay until borrows(dest) says no. One at a
  /// time, and of more than what copies() approves of.
  void send_borrowed(int dest, int tag, std::span<const std::byte> payload);
  [[nodiscard]] bool borrows(int dest) const;
  /// Whether a payload of so many bytes is one to copy.
  [[nodiscard]] bool copies(int dest, std::size_t bytes) const;
  /// The program has received: what it sends next may be an answer that is waited for.
  void begin_turn() { ++turn_; }
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
  /// Memory for a copy that fits a slot.
  using Block = std::byte[];
  struct Send {
    Buffer payload;                // where its bytes are;
    std::unique_ptr<Block> block;  // or here; or, a borrowed one's, with the caller
    int dest = 0;
    std::uint64_t ordinal = 0;  // of the messages to dest; see no_message
    std::size_t bytes = 0;
    bool borrowed = false;
  };
  static constexpr std::uint64_t no_message = UINT64_MAX;
  static constexpr std::size_t spares_max = 256, blocks_max = 32;
  /// From so many on it pays to look which are complete.
  static constexpr std::size_t many_under_way = 8;

  bool isend(MPI_Comm comm, int dest, int tag, std::span<const std::byte> bytes,
             MPI_Request& request);
  void copy(int dest, int tag, std::span<const std::byte> head, std::span<const std::byte> bytes,
            std::uint64_t ordinal);
  void copy_in_pieces(int dest, int tag, std::span<const std::byte> payload, std::uint64_t ordinal);
  void copy_note(int dest, int tag, const Note& note, std::uint64_t ordinal);
  [[nodiscard]] bool has_block();
  [[nodiscard]] std::unique_ptr<Send> fresh(int dest, std::uint64_t ordinal);
  void start(MPI_Comm comm, int tag, std::span<const std::byte> bytes, std::unique_ptr<Send> send);
  void add(MPI_Request request, std::unique_ptr<Send> send, std::size_t bytes);
  void keep(std::unique_ptr<Send> send);

  Comms comms_;
  const Reach& reach_;
  Bells& bells_;
  std::vector<std::uint64_t> sent_;  // messages by destination
  std::uint64_t turn_ = 1;
  std::vector<std::uint64_t> sent_at_;  // turn_ of the last one above the limit in a row
  Requests<std::unique_ptr<Send>> under_way_;
  std::size_t complete_at_ = many_under_way;
  // To use again, so that small sends allocate nothing.
  std::vector<std::unique_ptr<Send>> spares_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t blocks_made_ = 0;
};

}  // namespace rankwire::mpi
