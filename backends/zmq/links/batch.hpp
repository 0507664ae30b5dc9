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

/// One message in a frame of Kind::batch.
struct BatchEntry {
  std::uint32_t tag = 0;
  std::span<const std::byte> payload;
};
/// Each message has its tag and its size in front of its payload.
inline constexpr std::size_t batch_entry_bytes = 8;

inline std::uint32_t u32_at(const std::byte* at) {
  return std::to_integer<std::uint32_t>(at[0]) | std::to_integer<std::uint32_t>(at[1]) << 8 |
         std::to_integer<std::uint32_t>(at[2]) << 16 | std::to_integer<std::uint32_t>(at[3]) << 24;
}
/// Takes the next entry off the front of `body`. Nothing if there is no sound entry.
[[nodiscard]] inline std::optional<BatchEntry> take_entry(std::span<const std::byte>& body) {
  if (body.size() < batch_entry_bytes) return std::nullopt;
  const std::uint32_t tag = u32_at(body.data()), bytes = u32_at(body.data() + 4);
  const auto rest = body.subspan(batch_entry_bytes);
  if (bytes > rest.size()) return std::nullopt;
  body = rest.subspan(bytes);
  return BatchEntry{tag, rest.first(bytes)};
}
/// Whether `body` consists of entries that a program may send, and has at least one.
[[nodiscard]] bool is_batch(std::span<const std::byte> body, std::uint64_t message_bytes_max);

/// The state of a link that its frames share with it: how many counted frames libzmq has not sent
/// yet, and whether messages wait behind them. Frames may outlive the link.
struct Flow {
  Flow(std::shared_ptr<Turns> with, std::shared_ptr<FrameStore> from)
      : turns{std::move(with)}, store{std::move(from)} {}
  std::shared_ptr<Turns> turns;
  std::shared_ptr<FrameStore> store;
  std::atomic<int> under_way{0};
  std::atomic<bool> has_batch{false};
};

/// A frame that is kept until it is acknowledged. Each message that is made of it for libzmq counts
/// as under way until libzmq has sent or dropped it. (A copy made by zmq_msg_copy would not do: it
/// does not say when it was sent, only when the kept frame is gone as well.)
class CountedFrame {
 public:
  CountedFrame(std::span<const std::byte> bytes, std::shared_ptr<Flow> flow);
  CountedFrame(CountedFrame&& other) noexcept = default;
  CountedFrame& operator=(CountedFrame&& other) noexcept = default;

  /// A message for libzmq that shares the bytes. Costs one small allocation, by libzmq.
  [[nodiscard]] zmq::message_t message() const;

 private:
  struct Shared;
  struct Release {
    void operator()(Shared* shared) const noexcept;
  };
  static void sent(void* bytes, void* shared) noexcept;

  std::unique_ptr<Shared, Release> shared_;
};

/// Small messages that wait to be sent together in one frame.
class Batch {
 public:
  /// Larger payloads travel alone. For them the cost of a frame is small.
  static constexpr std::size_t payload_bytes_max = 4096;

  [[nodiscard]] bool empty() const { return size_ == Header::wire_bytes; }
  [[nodiscard]] bool has_room(std::size_t payload) const {
    return size_ + batch_entry_bytes + payload <= frame_bytes_max;
  }
  void add(std::uint32_t tag, std::span<const std::byte> payload);
  /// Builds the frame of all messages with `header`, and fills in the header's size. Valid until
  /// clear().
  [[nodiscard]] std::span<const std::byte> finish(Header header);
  void clear() { size_ = Header::wire_bytes; }

 private:
  /// Measured with messages of 64 B one way: a frame of 32 KiB gives 8.2 million a second, this
  /// size 9.2.
  static constexpr std::size_t frame_bytes_max = std::size_t{128} << 10;
  /// Room for the header, then the entries. Allocated when first needed.
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = Header::wire_bytes;
};

}  // namespace rankwire::zmq_wire
