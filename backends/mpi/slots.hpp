#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "error.hpp"
#include "rankwire/message.hpp"

namespace rankwire::mpi {

/// What ranks tell each other besides the program's messages; travels among these, so that each
/// pair's words keep their order. `value` by kind.
struct Note {
  enum class Kind : std::uint64_t {
    payload,           ///< of so many bytes, comes over Comms::bulk, for the tag in note_tag
    pieces,            ///< a payload of so many bytes: its first lie behind this note, and the rest
                       ///< is all that comes next of this rank
    credit,            ///< what the receiver's program has taken in all (Windows)
    left,              ///< closed; the number: of the messages sent to this rank
    left_undelivered,  ///< closed, but the linger ended before more than the first so many were
                       ///< taken
    lost,              ///< ended without closing; the first so many messages were sent whole
  };
  Kind kind = Kind::payload;
  std::uint64_t value = 0;
};

/// MPI's tag of a note is this and the tag of the message that it announces. All tags below 2^19
/// are then in use, which is what every MPI allows.
inline constexpr int note_tag = tag_max + 1;

/// The receives that wait at MPI for the next messages of anyone with any tag, in a ring. MPI
/// matches them in the order in which they were posted, so a look asks for one request only.
///
/// A message that finds a receive posted goes straight into its slot. Here, 8 B one way: 0.18 us,
/// as MPI_Send and MPI_Recv of known size, source and tag take; MPI_Improbe and MPI_Mrecv: 0.28 us,
/// since MPI first puts away what nobody has asked for.
class Slots {
 public:
  Slots(MPI_Comm comm, std::size_t slot_bytes);
  /// Without a withdraw() before, the slots' memory is left to MPI.
  ~Slots();
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  Slots(Slots&&) = delete;
  Slots& operator=(Slots&&) = delete;

  /// Whether the next message is here; then its envelope is in `status` and its bytes are those of
  /// bytes(status), until done().
  [[nodiscard]] bool look(MPI_Status& status) {
    post_again();
    int here = 0;
    check(MPI_Test(&requests_[next_], &here, &status), "MPI_Test");
    return here != 0;
  }
  [[nodiscard]] std::span<const std::byte> bytes(const MPI_Status& status) const;
  /// The message is taken over. Its slot is posted again by the next look, for which there is time
  /// while nothing has come; here it would keep the program from its message.
  void done() {
    taken_ = next_;
    next_ = (next_ + 1) % count;
  }
  /// Takes the receives back from MPI; says whether it gave up all of them. What comes later stays
  /// with MPI.
  [[nodiscard]] bool withdraw();

 private:
  /// What comes while all slots are full waits at MPI, and costs a copy more: of messages of 64 B
  /// in a row, 8 slots take 7 million a second, and 32 take 8.
  static constexpr std::size_t count = 32;
  static constexpr std::size_t none = count;

  void post_again() {
    if (taken_ == none) return;
    check(MPI_Start(&requests_[taken_]), "MPI_Start");
    taken_ = none;
  }
  [[nodiscard]] std::byte* slot(std::size_t i) const { return memory_.get() + i * stride_bytes_; }

  std::size_t stride_bytes_;  // whole cache lines
  std::unique_ptr<std::byte[]> memory_;
  std::array<MPI_Request, count> requests_;
  std::size_t next_ = 0;
  std::size_t taken_ = none;  // to be posted again
};

}  // namespace rankwire::mpi
