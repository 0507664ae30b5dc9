#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "note.hpp"
#include "rankwire/backend/batch.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::mpi {

/// What one send of MPI carries to a rank, or a few that belong together.
struct Parcel {
  enum class Form {
    slot,       ///< a message that fits a slot
    batch,      ///< several such
    pieces,     ///< a message in pieces
    announced,  ///< a Note over the slots, and the message over the bulk road
    note,       ///< a Note that belongs to no message
    sign,       ///< a Note of the Vigil
  };
  Form form = Form::slot;
  bool note_begun = false;
  bool all_begun = false;  // no more sends of it will be begun
  int requests = 0;        // sends of it that MPI has not finished
  int dest = 0;
  int tag = 0;
  std::uint64_t ordinal = 0;          // number of its first message to dest
  std::span<const std::byte> bytes;   // of the message
  std::size_t weight = 0;             // bytes of its messages
  std::size_t begun = 0;              // of them as pieces
  Note note;                          // what goes first, but for Form::slot
  std::unique_ptr<std::byte[]> head;  // the note and the first piece, if MPI is not done with them
  std::unique_ptr<Batch> batch;
  Buffer payload;  // owns `bytes`, if they are not the caller's

  [[nodiscard]] bool is_small() const {
    return form == Form::batch || (form == Form::slot && weight <= Batch::payload_bytes_max);
  }
};
/// Parcels move between lists, and stay where they are in memory: MPI reads their bytes there.
using Parcels = std::list<Parcel>;

/// Carries bytes to other ranks: what Outbound needs of MPI. A unit test has a carrier of its own.
class Carrier {
 public:
  enum class Road {
    slots,        ///< messages and notes that fit a slot, in their order
    slots_taken,  ///< the same; done when the receiver has taken it
    bulk          ///< payloads that a note announced, in the order of the notes
  };

  Carrier() = default;
  virtual ~Carrier() = default;
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  Carrier(Carrier&&) = delete;
  Carrier& operator=(Carrier&&) = delete;

  /// Begins to send `bytes` of a parcel to its rank. Returns whether it is done with them already.
  /// If not, they must stay until complete() gives the parcel.
  [[nodiscard]] virtual bool begin(Road road, int tag, std::span<const std::byte> bytes,
                                   Parcels::iterator parcel) = 0;
  /// Adds a parcel to `done` for each send of it that was not done when it began, and is now.
  virtual void complete(std::vector<Parcels::iterator>& done) = 0;
  /// How many sends are not done.
  [[nodiscard]] virtual std::size_t under_way() const = 0;
};

}  // namespace rankwire::mpi
