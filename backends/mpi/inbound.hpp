#pragma once

#include <mpi.h>

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "carrier.hpp"
#include "note.hpp"
#include "rankwire/backend/ledger.hpp"
#include "reach.hpp"
#include "requests.hpp"
#include "slots.hpp"
#include "ways.hpp"

namespace rankwire::mpi {

/// The messages on their way into one channel.
class Inbound {
 public:
  Inbound(const Comms& comms, const Reach& reach, std::uint64_t message_bytes_max);
  /// Leaves memory to MPI that MPI may still write to.
  ~Inbound();
  Inbound(const Inbound&) = delete;
  Inbound& operator=(const Inbound&) = delete;
  Inbound(Inbound&&) = delete;
  Inbound& operator=(Inbound&&) = delete;

  /// What a look found.
  enum class Found { nothing, message, note };
  /// Takes one message or note from MPI, if there is one. A message goes to `ledger` once it and
  /// all earlier ones of its source are whole. A note is then in note(), its sender in
  /// note_source(). After a note of a payload, call receive_announced().
  Found take_one(Ledger& ledger);
  [[nodiscard]] const Note& note() const { return note_; }
  [[nodiscard]] int note_source() const { return note_source_; }
  /// What stands behind it, if it has a list.
  [[nodiscard]] const std::vector<std::uint32_t>& note_list() const { return note_list_; }
  /// Starts to receive the payload that the note of take_one() announced, into memory of its own.
  void receive_announced(Ledger& ledger);

  /// What is newly known of the ways of a rank's payloads (WayTimes), once; that rank is to be
  /// told.
  struct Finding {
    int source = 0;
    WayTimes::Verdict verdict;
  };
  std::optional<Finding> take_finding() { return std::exchange(finding_, std::nullopt); }

  /// Returns how many bytes were copied out of slots since the last call.
  std::size_t take_copied_bytes() { return std::exchange(copied_bytes_, 0); }
  /// Gives messages to `ledger` that have become whole. Returns whether any has.
  bool complete(Ledger& ledger);
  [[nodiscard]] bool empty() const { return under_way_.empty(); }
  [[nodiscard]] std::size_t bytes_under_way() const;
  [[nodiscard]] std::size_t bytes_under_way(int source) const;
  /// How many messages, pieces and notes of `source` came into slots.
  [[nodiscard]] std::uint64_t come(int source) const {
    return sources_[static_cast<std::size_t>(source)].come;
  }
  /// Gives up a message of `source` of which the rest will never come.
  void abandon(int source);
  /// Takes all receives back from MPI. Returns whether MPI gave up all.
  [[nodiscard]] bool withdraw() {
    // Nobody takes the rest. MPI does not take back a receive that is complete.
    if (!std::exchange(batch_, {}).rest.empty()) slots_.done();
    return slots_.withdraw() && under_way_.empty();
  }

 private:
  struct Arriving {
    Message message;
    bool whole = false;
    std::uint32_t group = 0;              // see Note::group
    Deadline::Clock::time_point noted{};  // when its note was taken, if it has a group
  };
  struct Source {
    std::list<Arriving> queue;      // in order; the first is not whole
    std::size_t missing_bytes = 0;  // of the last in the queue, if it comes in pieces
    std::uint64_t come = 0;
    std::unique_ptr<WayTimes> times;         // from the first payload with a group on
    Deadline::Clock::time_point whole_at{};  // when the last payload was
  };
  /// The messages of a slot that were not taken yet.
  struct OpenBatch {
    int source = 0;
    std::span<const std::byte> rest;
  };
  Found take_note(const MPI_Status& status, Ledger& ledger);
  void take_from_batch(Ledger& ledger);
  [[nodiscard]] Arriving announced();
  void time(const Arriving& arrived, Way way);
  void take_piece(std::span<const std::byte> bytes, Source& from, Ledger& ledger);
  void check_size(std::uint64_t bytes, int source, int tag) const;
  void deliver(Message&& message, Source& from, Ledger& ledger);
  static void deliver_whole(Source& from, Ledger& ledger);

  Slots slots_;
  MPI_Comm bulk_;
  std::uint64_t bytes_max_;
  std::vector<Source> sources_;
  Requests<Arriving*> under_way_;  // point into the queues
  OpenBatch batch_;
  std::optional<Finding> finding_;
  Note note_;
  std::vector<std::uint32_t> note_list_;
  int note_source_ = 0;
  int note_tag_ = 0;
  std::size_t copied_bytes_ = 0;
};

}  // namespace rankwire::mpi
