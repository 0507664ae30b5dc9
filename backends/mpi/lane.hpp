#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "note.hpp"
#include "parcel.hpp"
#include "ways.hpp"

namespace rankwire::mpi {

/// What is not finished.
struct Pending {
  std::size_t parcels = 0;  // of messages
  std::size_t notes = 0;    // that belong to no message
  std::size_t bytes = 0;    // of messages

  [[nodiscard]] bool any() const { return parcels + notes > 0; }
};

/// What is on its way to one rank: a few sends that MPI has not finished, and behind them a queue
/// in the order of the program's sends. So what MPI has to look through stays short, however much
/// is pending. (Behind 12,000 sends of Open MPI's shared memory that were not finished, each
/// further one took 0.1 to 1.2 ms.)
struct Lane {
  /// A small message, or a batch, is begun while MPI has fewer sends than this unfinished. Enough
  /// that it always has the next one at hand; the rest travels together.
  static constexpr int small_max = 4;
  /// The same of what travels in no batch: a larger message, or its pieces. A receiver takes many
  /// of these while the sender gets no core.
  static constexpr int large_max = 32;
  /// The same of notes, which pass the queue.
  static constexpr std::size_t notes_max = 2;
  /// Notes that wait for those to finish. Of each kind only the latest counts.
  struct Later {
    std::optional<Note> credit, want, grant, goodbye;

    void put(const Note& note);
    /// Takes the next to be sent out. Only if there is one.
    [[nodiscard]] Note take();
    void drop_all_but_goodbye() {
      for (auto* const note : {&credit, &want, &grant}) note->reset();
    }
    [[nodiscard]] unsigned size() const {
      return unsigned{credit.has_value()} + want.has_value() + grant.has_value() +
             goodbye.has_value();
    }
  };

  Parcels queue;   // to be begun, in order; pieces of the first may have been
  Parcels flying;  // begun, and not finished; in order
  Parcels notes;   // the same
  Parcels signs;   // the same, of the Vigil: at most one, and a silence
  int requests = 0;
  Later later;
  std::uint64_t sent = 0;                   // messages
  std::uint64_t dropped_from = UINT64_MAX;  // the first message that will not arrive
  std::uint64_t sent_at = 0;                // receives of the program at the last large payload
  std::size_t bytes = 0;                    // of messages in queue and flying
  bool listed = false;                      // something waits to be begun
  bool departed = false;
  bool signing = false;            // the last word on it was a sign, not a silence
  Pending counted;                 // what Outbound has counted of it
  std::unique_ptr<Ways> own_ways;  // from the first large payload on

  [[nodiscard]] bool has_room(bool small) const {
    return requests < (small ? small_max : large_max);
  }
  [[nodiscard]] Ways& ways() {
    if (!own_ways) own_ways = std::make_unique<Ways>();
    return *own_ways;
  }
  /// Whether something waits to be begun.
  [[nodiscard]] bool waits() const { return !queue.empty() || later.size() > 0; }
  /// Nothing once the rank has departed.
  [[nodiscard]] Pending pending() const {
    if (departed) return {};
    return {queue.size() + flying.size(), notes.size() + later.size(), bytes};
  }
  /// How many messages were sent before the first that is not finished.
  [[nodiscard]] std::uint64_t sent_whole() const {
    std::uint64_t whole = std::min(sent, dropped_from);
    if (!flying.empty()) whole = std::min(whole, flying.front().ordinal);
    if (!queue.empty()) whole = std::min(whole, queue.front().ordinal);
    return whole;
  }
};

}  // namespace rankwire::mpi
