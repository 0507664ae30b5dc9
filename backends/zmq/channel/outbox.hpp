#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <vector>

#include "links/link.hpp"
#include "links/turns.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::zmq_wire {

/// What this rank sends: which links have messages that wait to travel together, and how many
/// messages each rank was sent. Only the holder of the turn uses this: libzmq's thread takes the
/// turn to send what has become due (Turns).
class Outbox final : public Turns::Work {
 public:
  explicit Outbox(int ranks) : sent_(static_cast<std::size_t>(ranks)) {}

  /// Sends a copy of a message of at most inline_payload_bytes_max, now or together with others
  /// later.
  void send_inline(Link& link, int tag, std::span<const std::byte> payload);
  /// Sends a larger message without a copy, in pieces of at most `piece_bytes`. Its memory is given
  /// back when libzmq and the link are done with it.
  void send_as_it_lies(Link& link, std::size_t piece_bytes, int tag, Buffer&& payload);

  /// This rank is about to wait. Sends all messages that wait in batches.
  void begin_wait() {
    ++wait_count_;
    if (!with_batch_.empty()) flush();
  }
  /// Sends all messages that wait in batches.
  void flush();
  /// Sends the batches that are due. libzmq's thread calls this, too.
  void do_due() noexcept override;
  /// Throws, once, the exception that do_due() has caught.
  void check_due() {
    if (due_failed_) std::rethrow_exception(std::exchange(due_failed_, nullptr));
  }

  /// How many messages were sent to the process that has the rank now.
  [[nodiscard]] std::uint64_t messages_to(int rank) const { return of(rank).messages; }
  /// The link ends. Messages that wait on it are not sent.
  void forget(const Link* link) { std::erase(with_batch_, link); }
  /// Another process has the rank.
  void begin_anew(int rank) { of(rank) = {}; }

 private:
  struct Sent {
    std::uint64_t messages = 0;
    std::uint64_t at_wait = 0;  // wait_count_ when the last message was sent
  };
  [[nodiscard]] Sent& of(int rank) { return sent_[static_cast<std::size_t>(rank)]; }
  [[nodiscard]] const Sent& of(int rank) const { return sent_[static_cast<std::size_t>(rank)]; }

  std::vector<Sent> sent_;         // by rank
  std::vector<Link*> with_batch_;  // links on which messages wait to travel together
  std::uint64_t wait_count_ = 1;   // how often the program began to wait
  std::exception_ptr due_failed_;
};

}  // namespace rankwire::zmq_wire
