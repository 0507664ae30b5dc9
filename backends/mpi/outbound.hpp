#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lane.hpp"
#include "note.hpp"
#include "parcel.hpp"
#include "parcel_store.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/buffer.hpp"
#include "reach.hpp"

namespace rankwire::mpi {

/// The messages on their way out of one channel, and the bytes that MPI may still read.
///
/// A message goes to MPI at once if few are unfinished before it to the same rank (Lane). Otherwise
/// it waits in the rank's queue, small ones together in batches. The cost of a send depends neither
/// on what waits nor on what is unfinished. complete() moves the queues on.
class Outbound {
 public:
  Outbound(std::unique_ptr<Carrier> carrier, const Reach& reach);
  /// Leaves bytes of sends that are not complete to MPI: a started send cannot be taken back.
  ~Outbound();
  Outbound(const Outbound&) = delete;
  Outbound& operator=(const Outbound&) = delete;
  Outbound(Outbound&&) = delete;
  Outbound& operator=(Outbound&&) = delete;

  /// Sends a message that owns its bytes. Returns how many of them it copied.
  std::size_t send(int dest, int tag, Buffer&& payload);
  /// Sends the caller's bytes, which must stay until borrows() is false or the rank has departed.
  /// Only if nothing waits for that rank (is_clear), and only one at a time. They must be too many
  /// for a slot.
  void send_borrowed(int dest, int tag, std::span<const std::byte> payload);
  [[nodiscard]] bool is_clear(int dest) const { return lanes_[dest].queue.empty(); }
  [[nodiscard]] bool borrows() const { return borrowed_ != nullptr; }
  /// The program has received a message. What it sends next may be an answer that is waited for.
  void note_received() {
    ++receives_;
    unlooked_sends_ = 0;
  }
  /// Passes what waits in the queue. A credit or a goodbye that cannot be sent at once replaces an
  /// earlier one that waits; any other note is dropped then.
  void send_note(int dest, const Note& note);
  /// Sends a note with ranks behind it, in any case: in several notes, if they are many. Pairs of
  /// them stay together.
  void send_list(int dest, Note::Kind kind, std::span<const std::uint32_t> ranks);
  /// Sends a word of the Vigil, past the queue, if none is unfinished to that rank. Returns whether
  /// it did. Nobody waits for its end (pending).
  bool send_sign(int dest, const Note& note, Carrier::Road road);
  /// Tells `dest` in any case that no sign may come, if the last word on it was a sign.
  void send_silence(int dest);
  /// `dest` has told which way is the quicker for its payloads.
  void learned(int dest, std::uint32_t group, std::optional<Way> quicker) {
    lanes_.at(dest).ways().learned(group, quicker);
  }

  /// Forgets sends that are complete, and begins some of those that wait. Returns whether there
  /// were any. The cost grows with the number of ranks to which something is unfinished or waits.
  bool complete();
  /// Whether anything waits to be begun.
  [[nodiscard]] bool waits() const { return !waiting_.empty(); }
  [[nodiscard]] bool empty() const { return carrier_->under_way() == 0 && !waits(); }
  /// Drops what waits for `dest`, which has departed, and counts it no more.
  void departed(int dest);
  /// Drops all messages that wait.
  void drop_waiting();
  /// What waits or is unfinished for ranks that have not departed.
  [[nodiscard]] const Pending& pending() const { return pending_; }
  /// sent() is the number of messages to `dest`. sent_whole() is the number of these before the
  /// first that is not complete: so many are sure to arrive.
  [[nodiscard]] std::uint64_t sent(int dest) const { return lanes_[dest].sent; }
  [[nodiscard]] std::uint64_t sent_whole(int dest) const { return lanes_[dest].sent_whole(); }

 private:
  using At = Parcels::iterator;
  /// One look begins at most this many of the parcels that wait for one rank.
  static constexpr int begun_at_once = 16;

  void set_way(Lane& lane, Parcel& parcel);
  void add_to_batch(Lane& lane, int dest, int tag, std::span<const std::byte> payload);
  /// These begin to send, and return whether nothing of the parcel is left to begin.
  bool begin_first(Lane& lane);
  bool begin_pieces(Lane& lane, At parcel);
  void begin(Lane& lane, At parcel, Carrier::Road road, int tag, std::span<const std::byte> bytes);
  void begin_note(Lane& lane, int dest, const Note& note);
  void begin_note(Parcels& list, Parcel::Form form, int dest, const Note& note, Carrier::Road road);
  bool begin_waiting(Lane& lane, int dest);
  void list(Lane& lane, int dest);
  void look_now_and_then();
  void finished(At parcel);
  void remove(Lane& lane, Parcels& from, At parcel);
  void drop(Lane& lane);
  void count(Lane& lane);

  std::unique_ptr<Carrier> carrier_;
  const Reach& reach_;
  RankTable<Lane> lanes_;
  ParcelStore store_;
  std::vector<int> waiting_;          // ranks for which something waits to be begun
  std::vector<At> done_;              // in complete()
  const Parcel* borrowed_ = nullptr;  // the last one that is the caller's, until it is finished
  std::uint64_t receives_ = 1;
  Pending pending_;                 // of all ranks that have not departed
  std::size_t unlooked_sends_ = 0;  // see look_now_and_then()
};

}  // namespace rankwire::mpi
