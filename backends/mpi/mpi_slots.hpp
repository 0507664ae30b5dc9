#pragma once

#include <mpi.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "mpi_error.hpp"
#include "rankwire/message.hpp"

namespace rankwire::mpi {

/// A message up to here travels as it is, into a slot that is posted at the receiver. It must fit
/// what MPI sends at once, without asking the receiver: of the transports of Open MPI, shared
/// memory has the lowest such limit, 4 KiB less its own header. One above it is announced by a
/// Note.
inline constexpr std::size_t slot_bytes = 4000;

/// What ranks tell each other besides the program's messages; travels among these, so that each
/// pair's words keep their order. `value` by kind.
struct Note {
  enum class Kind : std::uint64_t {
    payload,           ///< of so many bytes, comes over Comms::bulk, for the tag in note_tag
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
  explicit Slots(MPI_Comm comm);
  /// Without a withdraw() before, the slots' memory is left to MPI.
  ~Slots();
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  Slots(Slots&&) = delete;
  Slots& operator=(Slots&&) = delete;

  /// Whether the next message is here; then its envelope is in `status` and its bytes are those of
  /// bytes(status), until post_again().
  [[nodiscard]] bool look(MPI_Status& status) {
    int here = 0;
    check(MPI_Test(&requests_[next_], &here, &status), "MPI_Test");
    return here != 0;
  }
  [[nodiscard]] std::span<const std::byte> bytes(const MPI_Status& status) const;
  void post_again() {
    check(MPI_Start(&requests_[next_]), "MPI_Start");
    next_ = (next_ + 1) % count;
  }
  /// Takes the receives back from MPI; says whether it gave up all of them. What comes later stays
  /// with MPI.
  [[nodiscard]] bool withdraw();

 private:
  /// What comes while all slots are full waits at MPI, and costs a copy more.
  static constexpr std::size_t count = 8;
  using Memory = std::array<std::array<std::byte, slot_bytes>, count>;

  std::unique_ptr<Memory> memory_;
  std::array<MPI_Request, count> requests_;
  std::size_t next_ = 0;
};

}  // namespace rankwire::mpi
