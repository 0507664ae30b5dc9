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
  MPI_Comm slots = MPI_COMM_NULL;  ///< messages and notes that fit a slot
  MPI_Comm bulk = MPI_COMM_NULL;   ///< payloads that a note announced, in the order of the notes
};

/// A payload of up to copied_bytes_max is copied into slots, in pieces of what MPI sends at once.
/// Measured in shared memory, one way: 16 KiB take 3.1 us, and 4.8 us if MPI first asks the
/// receiver; 64 KiB take 11 and 13 us. A larger payload is announced by a Note and received into
/// memory of its own.
///
/// In shared memory, a payload above copied_bytes_max_in_a_row is copied only if it is the first of
/// that size to its receiver since the program last received. Further ones in a row are announced
/// by a Note: on cores that share no cache, 64 KiB in a row take 26 us if they are copied, and 8 us
/// in MPI's own way.
inline constexpr std::size_t copied_bytes_max = std::size_t{64} << 10U;
inline constexpr std::size_t copied_bytes_max_in_a_row = std::size_t{16} << 10U;

/// The MPI tag of all payloads on Comms::bulk. The note before says the message's own tag.
inline constexpr int bulk_tag = 0;

/// The messages on their way out of one channel, and the bytes that MPI may still read.
class Outbound {
 public:
  Outbound(const Comms& comms, const Reach& reach, Bells& bells);
  /// Leaves bytes of sends that are not complete to MPI: a started send cannot be taken back.
  ~Outbound();
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;
  Outbound(Outbound&&) = delete;
  Outbound& operator=(Outbound&&) = delete;

  /// Starts a send that owns its bytes. Returns how many of them it copied.
  std::size_t send(int dest, int tag, Buffer&& payload);
  /// Starts a send of a copy of `payload`. Only if copies() is true for it.
  void send_copy(int dest, int tag, std::span<const std::byte> payload);
  /// Starts a send of the caller's bytes, which must stay until borrows(dest) is false. One at a
  /// time, and only if copies() is false for it.
  void send_borrowed(int dest, int tag, std::span<const std::byte> payload);
  [[nodiscard]] bool borrows(int dest) const;
  /// Whether a payload of this size should be copied.
  [[nodiscard]] bool copies(int dest, std::size_t bytes) const;
  /// The program has received a message. What it sends next may be an answer that is waited for.
  void note_received() { ++receives_; }
  void send_note(int dest, const Note& note);

  /// Frees sends that are complete. Returns whether there were any.
  bool complete();
  [[nodiscard]] bool empty() const { return under_way_.empty(); }
  /// Whether sends to ranks that have not departed are under way, and of how many bytes.
  [[nodiscard]] bool has_under_way(const Mailbox& departures) const;
  [[nodiscard]] std::size_t bytes_under_way(const Mailbox& departures) const;
  /// Like has_under_way(), but counts only notes that belong to no message.
  [[nodiscard]] bool has_notes_under_way(const Mailbox& departures) const;
  /// sent() is the number of messages to `dest` that were started. sent_whole() is the number of
  /// these before the first that is not complete: so many are sure to arrive.
  [[nodiscard]] std::uint64_t sent(int dest) const { return sent_[static_cast<std::size_t>(dest)]; }
  [[nodiscard]] std::uint64_t sent_whole(int dest) const;

 private:
  /// Memory for a copy that fits into a slot.
  using Block = std::byte[];
  struct Send {
    Buffer payload;                // its bytes are here,
    std::unique_ptr<Block> block;  // or here, or, if borrowed, in the caller's memory
    int dest = 0;
    std::uint64_t ordinal = 0;  // number of its message to dest, or no_message
    std::size_t bytes = 0;
    bool borrowed = false;
  };
  static constexpr std::uint64_t no_message = UINT64_MAX;
  static constexpr std::size_t spares_max = 256, blocks_max = 32;
  /// With this many sends under way it pays to look which are complete.
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
  void recycle(std::unique_ptr<Send> send);

  Comms comms_;
  const Reach& reach_;
  Bells& bells_;
  std::vector<std::uint64_t> sent_;  // messages by destination
  std::uint64_t receives_ = 1;
  /// By destination: receives_ at the last payload above copied_bytes_max_in_a_row.
  std::vector<std::uint64_t> sent_at_;
  Requests<std::unique_ptr<Send>> under_way_;
  std::size_t complete_at_ = many_under_way;
  // Used again, so that small sends allocate nothing.
  std::vector<std::unique_ptr<Send>> spares_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::size_t blocks_made_ = 0;
};

}  // namespace rankwire::mpi
