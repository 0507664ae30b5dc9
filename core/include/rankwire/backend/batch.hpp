#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace rankwire {

// Small messages that travel together: one behind the other, each with its tag and the size of its
// payload in front, two words of 32 bits with the lowest byte first.

/// One message of a batch.
struct BatchEntry {
  std::uint32_t tag = 0;
  std::span<const std::byte> payload;
};
/// What stands in front of each payload.
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

/// Small messages that wait to be sent together, in memory that has room in front for what a
/// transport says of them.
class Batch {
 public:
  /// Larger payloads travel alone. For them the cost of a frame is small.
  static constexpr std::size_t payload_bytes_max = 4096;

  /// `bytes_max` includes `front_bytes`. Takes no memory before the first message.
  Batch(std::size_t front_bytes, std::size_t bytes_max)
      : front_{front_bytes}, bytes_max_{bytes_max}, size_{front_bytes} {}

  [[nodiscard]] bool empty() const { return size_ == front_; }
  [[nodiscard]] bool has_room(std::size_t payload) const {
    return size_ + batch_entry_bytes + payload <= bytes_max_;
  }
  /// Adds a copy of `payload`. Only if there is room. The memory grows with what it must hold: a
  /// rank of a large world has a batch for each of thousands.
  void add(std::uint32_t tag, std::span<const std::byte> payload);
  /// The room in front, which the transport fills, and the messages. Valid until clear(). Not to be
  /// called when empty.
  [[nodiscard]] std::span<std::byte> bytes() { return {bytes_.get(), size_}; }
  [[nodiscard]] std::size_t bytes_max() const { return bytes_max_; }
  /// Keeps the memory for the next messages.
  void clear() { size_ = front_; }

 private:
  void grow(std::size_t needed);

  std::size_t front_;
  std::size_t bytes_max_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_;
};

}  // namespace rankwire
