#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "rankwire/message.hpp"

namespace rankwire::mpi {

/// What ranks tell each other besides the program's messages. Notes travel among the messages, so
/// that all words from one rank to another keep their order. The kind says what `value` means.
struct Note {
  enum class Kind : std::uint32_t {
    payload,  ///< a payload of `value` bytes comes over the bulk road; see note_tag
    pieces,   ///< a payload of `value` bytes: the first may stand behind this note, and the
              ///< next messages of this rank are the rest
    batch,    ///< `value` bytes of messages stand behind this note (Batch)
    credit,   ///< the bytes that the receiver's program has taken in all (Windows)
    want,     ///< what the sender wants to have sent in all; `group` is its number (Budget)
    grant,    ///< what the receiver grants to the want `group`
    way,      ///< payloads of `group` come in the quickest by the Way `value`
    left,     ///< the rank closed, and had sent `value` messages to the receiver; `group` is
              ///< told_by_master if rank 0 is to tell others of it, or may tell the receiver again
    left_undelivered,  ///< the rank closed, but only the first `value` messages to the receiver
                       ///< were taken within the linger
    lost,      ///< the rank ended without closing; the first `value` messages were sent whole
    cut_off,   ///< like lost; it did not hear rank 0 for the grace, and takes no part in MPI's end
    partners,  ///< to rank 0: ranks to which the sender itself says goodbye; they stand behind it
    departed,  ///< of rank 0: ranges of ranks that left, and had sent the receiver nothing, stand
               ///< behind this note. The receiver: all know that it left. Rank 0: it tells no more
    aborted,   ///< the rank ended the world
    sign,      ///< the rank lives (Signs); rank 0 answers each
    silence,   ///< the rank may give no sign before its next one
    given_up,  ///< rank `value` was silent for too long; only rank 0 says so
  };
  static constexpr std::uint32_t told_by_master = 1;

  Kind kind = Kind::payload;
  /// Of a payload that is to be timed (Ways), 0: of none. Or the number of a want. Or of a goodbye.
  std::uint32_t group = 0;
  std::uint64_t value = 0;

  [[nodiscard]] bool has_list() const { return kind == Kind::partners || kind == Kind::departed; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span{this, 1});
  }
};
static_assert(sizeof(Note) == 16, "its bytes are what is sent");

/// The MPI tag of a note is this plus the tag of the message that it announces. So all tags are
/// below 2^19, which every MPI allows.
inline constexpr int note_tag = tag_max + 1;
/// The MPI tag of all payloads on the bulk road. The note before says the message's own tag.
inline constexpr int bulk_tag = 0;

}  // namespace rankwire::mpi
