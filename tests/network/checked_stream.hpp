#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <vector>

namespace network {

/// The messages of one sender to one receiver, in order. Their sizes and bytes follow from the
/// seed, the two ranks and the number alone: the receiver makes the message that it expects and
/// compares. So a message that is lost, repeated, damaged or out of order is seen at once. From 8
/// bytes on, a message begins with its number, so that one can say what came instead.
class CheckedStream {
 public:
  /// `bytes`: how large each is; not given: sizes are mixed.
  CheckedStream(std::uint64_t seed, int source, int dest, std::optional<std::size_t> bytes = {})
      : key_{mix(seed) ^
             mix(static_cast<std::uint64_t>(source) << 32U | static_cast<std::uint32_t>(dest))},
        source_{source},
        dest_{dest},
        bytes_{bytes} {}

  /// The bytes of message `number`; valid until the next call.
  [[nodiscard]] std::span<const std::byte> make(std::uint64_t number) {
    const std::uint64_t start = mix(key_ + number);
    const std::size_t bytes = bytes_.value_or(mixed(start));
    words_.resize(bytes / 8 + 1);
    std::uint64_t value = start;
    for (auto& word : words_) word = value = value * 6364136223846793005U + 1442695040888963407U;
    if (bytes >= 8) words_.front() = number;
    return std::as_bytes(std::span{words_}).first(bytes);
  }

  /// Throws std::runtime_error when `payload` is not message `number`.
  void check(std::uint64_t number, std::span<const std::byte> payload) {
    const auto expected = make(number);
    if (std::ranges::equal(payload, expected)) return;
    throw std::runtime_error{
        fmt::format("rank {} expected message {} of rank {} ({} bytes) and got {} ({} bytes)",
                    dest_, number, source_, expected.size(), says(payload), payload.size())};
  }

 private:
  static std::uint64_t mix(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U + 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31U);
  }
  /// Most are small; one in a hundred has up to 200 KB, well above what fits in the header's frame.
  static std::size_t mixed(std::uint64_t start) {
    const std::uint64_t kind = start % 100, size = mix(start);
    if (kind < 5) return 0;
    if (kind < 70) return size % 200;
    if (kind < 95) return size % 4096;
    return size % (kind < 99 ? 40'000 : 200'001);
  }
  static std::string says(std::span<const std::byte> payload) {
    if (payload.size() < 8) return "another";
    std::uint64_t number = 0;
    std::memcpy(&number, payload.data(), sizeof number);
    return fmt::format("what says it is message {}", number);
  }

  std::uint64_t key_;
  int source_, dest_;
  std::optional<std::size_t> bytes_;
  std::vector<std::uint64_t> words_;
};

}  // namespace network
