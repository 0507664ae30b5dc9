#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <zmq.hpp>

#include "links/frame_store.hpp"
#include "links/turns.hpp"
#include "protocol/protocol.hpp"

namespace rankwire::zmq_wire {

/// One message of a frame of Kind::batch.
struct BatchEntry {
  std::uint32_t tag = 0;
  std::span<const std::byte> payload;
};
inline constexpr std::size_t batch_entry_bytes = 8;  ///< before its payload: tag and bytes

inline std::uint32_t u32_at(const std::byte* at) {
  return std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8 |
         std::to_integer<std::uint32_t>(at[2]) << 16 | std::to_integer<std::uint32_t>(at[3]) << 24;
}
/// Takes the next entry off the front of `body`; nothing, when what is there is none.
[[nodiscard]] inline std::optional<BatchEntry> take_entry(std::span<const std::byte>& body) {
  if (body.size() < batch_entry_bytes) return std::nullopt;
  const std::uint32_t tag = u32_at(body.data()), bytes = u32_at(body.data() + 4);
  const auto rest = body.subspan(batch_entry_bytes);
  if (bytes > rest.size()) return std::nullopt;
  body = rest.subspan(bytes);
  return BatchEntry{tag, rest.first(bytes)};
}
/// Whether all of `body` is entries that a program may send, and there is one.
[[nodiscard]] bool is_batch(std::span<const std::byte> body, std::uint64_t message_bytes_max);

/// How many frames of one link libzmq has not sent yet (of those that are counted), and whether
/// messages wait for that. Shared with those frames, which may outlive the link.
struct Flow {
  Flow(std::shared_ptr<Turns> with, std::shared_ptr<FrameStore> from)
      : turns{std::move(with)}, store{std::move(from)} {}
  std::shared_ptr<Turns> turns;
  std::shared_ptr<FrameStore> store;
  std::atomic<int> under_way{0};
  std::atomic<bool> has_batch{false};
};

/// A frame that is kept until it is acknowledged, of which each message made for libzmq counts as
/// under way until libzmq has sent it, or dropped it. (A copy of a message, as zmq_msg_copy makes
/// it, does not tell when it is sent, only when the kept one is gone as well.)
class CountedFrame {
 public:
  CountedFrame(std::span<const std::byte> bytes, std::shared_ptr<Flow> flow);
  CountedFrame(CountedFrame&& other) noexcept = default;
  CountedFrame& operator=(CountedFrame&& other) noexcept = default;

  /// Shares the bytes. Costs one small allocation, libzmq's.
  [[nodiscard]] zmq::message_t message() const;

 private:
  struct Shared;
  struct Release {
    void operator()(Shared* shared) const noexcept;
  };
  static void sent(void* bytes, void* shared) noexcept;

  std::unique_ptr<Shared, Release> shared_;
};

/// Messages that wait to travel in one frame.
class Batch {
 public:
  /// Larger payloads travel alone: for them a frame more costs little.
  static constexpr std::size_t payload_bytes_max = 4096;

  [[nodiscard]] bool empty() const { return size_ == Header::wire_bytes; }
  [[nodiscard]] bool has_room(std::size_t payload) const {
    return size_ + batch_entry_bytes + payload <= frame_bytes_max;
  }
  void add(std::uint32_t tag, std::span<const std::byte> payload);
  /// The frame of all of them, under `header`, whose bytes are filled in here; until clear().
  [[nodiscard]] std::span<const std::byte> finish(Header header);
  void clear() { size_ = Header::wire_bytes; }

 private:
  /// 64 B one way: 32 KiB take 8.2 million a second here, this 9.2.
  static constexpr std::size_t frame_bytes_max = std::size_t{128} << 10;
  /// Made when first needed: the entries, with room for a header on both sides.
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = Header::wire_bytes;
};

}  // namespace rankwire::zmq_wire
