#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "rankwire/backend/ledger.hpp"
#include "rankwire/buffer.hpp"
#include "sockets/wire.hpp"

namespace rankwire::zmq_wire {

/// What has come for the program: frames of data become messages in the mailbox. A frame is a
/// message, a piece of a large one, or a batch of small ones, which stays packed until the program
/// or something that comes behind it asks for them. Used by the program's thread alone.
class Inbox {
 public:
  /// `ledger` outlives this; messages are put there.
  Inbox(Ledger& ledger, int ranks, std::uint64_t message_bytes_max)
      : ledger_{ledger},
        message_bytes_max_{message_bytes_max},
        partials_(static_cast<std::size_t>(ranks)) {}

  /// Whether header and parts of a numbered frame belong together.
  [[nodiscard]] bool is_whole(const Incoming& incoming) const;
  /// Takes a frame of Kind::data or Kind::batch that `source` has sent. Nothing of a frame that is
  /// not sound is taken: then it says what is wrong with it.
  [[nodiscard]] std::optional<std::string_view> accept(int source, Incoming&& incoming);

  /// The next event that `wanted` asks for, of what is here.
  [[nodiscard]] std::optional<Event> take(const Wanted& wanted);
  /// The same of the batch alone, where the mailbox has nothing that `wanted` asks for.
  [[nodiscard]] std::optional<Event> take_from_batch(const Wanted& wanted);
  /// Puts what the batch still has into the mailbox: where what comes later must find it, news of
  /// departures included.
  void unpack();

  /// The rest of a large message of `rank` will not come.
  void forget_pieces(int rank) { partials_[static_cast<std::size_t>(rank)] = {}; }
  /// How many bytes of payloads were copied since the last call of this.
  [[nodiscard]] std::size_t take_copied_bytes() { return std::exchange(copied_bytes_, 0); }

 private:
  /// A payload that comes in pieces.
  struct Partial {
    Buffer memory;  // grows as they come
    std::size_t filled = 0;
    std::size_t bytes = 0;  // of the whole payload
  };
  /// A frame of Kind::batch whose messages the program takes out one by one. They are younger than
  /// what is in the mailbox.
  struct OpenBatch {
    int source = 0;
    zmq::message_t frame;
    std::span<const std::byte> rest;  // of frame; empty: there is none
  };

  [[nodiscard]] std::optional<std::string_view> accept_data(int source, Incoming&& incoming);
  [[nodiscard]] std::optional<std::string_view> accept_batch(int source, Incoming&& incoming);
  [[nodiscard]] std::optional<std::string_view> accept_piece(int source, Incoming&& incoming);
  void deliver_copy(int source, int tag, std::span<const std::byte> payload);
  void deliver(int source, int tag, Buffer&& payload);

  Ledger& ledger_;
  std::uint64_t message_bytes_max_;
  std::vector<Partial> partials_;  // by source
  OpenBatch open_batch_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace rankwire::zmq_wire
