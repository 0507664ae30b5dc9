#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <zmq.hpp>

#include "rankwire/backend/ledger.hpp"
#include "rankwire/buffer.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// Turns frames of data that have come into messages in the mailbox. A frame is a message, a piece
/// of a large one, or a batch of small ones. A batch stays packed until the program asks for its
/// messages, or something comes behind it that must find them in the mailbox. Only the program's
/// thread uses this.
class Inbox {
 public:
  /// `ledger` outlives this. Messages go there.
  Inbox(Ledger& ledger, int ranks, std::uint64_t message_bytes_max)
      : ledger_{ledger}, message_bytes_max_{message_bytes_max}, partials_{ranks} {}

  /// Whether the header and the parts of a numbered frame belong together.
  [[nodiscard]] bool is_whole(const Incoming& incoming) const;
  /// Takes a frame of Kind::data or Kind::batch from `source`. If the frame is not sound, takes
  /// nothing of it and returns what is wrong with it.
  [[nodiscard]] std::optional<std::string_view> accept(int source, Incoming&& incoming);

  /// The next event that is here and that `wanted` asks for.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted);
  /// Like take(), from the batch alone. Only if the mailbox has nothing that `wanted` asks for.
  [[nodiscard]] std::optional<Event> take_from_batch(const Wanted& wanted);
  /// Moves the rest of the batch into the mailbox. To be called before anything younger goes there,
  /// news of departures included.
  void unpack();

  /// Drops the pieces of a large message of `rank`, of which the rest will not come.
  void forget_pieces(int rank) {
    if (partials_[rank].filled > 0) partials_.at(rank) = {};
  }
  /// Returns how many bytes of payloads were copied since the last call.
  [[nodiscard]] std::size_t take_copied_bytes() { return std::exchange(copied_bytes_, 0); }

 private:
  /// A payload of which some pieces have come.
  struct Partial {
    Buffer memory;  // grows as pieces come
    std::size_t filled = 0;
    std::size_t bytes = 0;  // of the whole payload
  };
  /// A frame of Kind::batch of which the program takes the messages out one by one. They are
  /// younger than all that is in the mailbox.
  struct OpenBatch {
    int source = 0;
    zmq::message_t frame;
    std::span<const std::byte> rest;  // the part of frame that was not taken yet; empty: no batch
  };

  [[nodiscard]] std::optional<std::string_view> accept_data(int source, Incoming&& incoming);
  [[nodiscard]] std::optional<std::string_view> accept_batch(int source, Incoming&& incoming);
  [[nodiscard]] std::optional<std::string_view> accept_piece(int source, Incoming&& incoming);
  void deliver_copy(int source, int tag, std::span<const std::byte> payload);
  void deliver(int source, int tag, Buffer&& payload);

  Ledger& ledger_;
  std::uint64_t message_bytes_max_;
  RankTable<Partial> partials_;  // by source
  OpenBatch open_batch_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace rankwire::zmq_wire
