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

/// How large messages are.
enum class Sizes : std::uint8_t {
  mixed,         ///< 0 to 200 KB, most of them small
  tiny,          ///< up to 64 bytes: many go together
  around_batch,  ///< around 32 KiB, where messages no longer go together
  large          ///< up to 3 MiB: pieces
};

/// The messages of one sender to one receiver, in order. Their sizes and bytes follow from the
/// seed, the two ranks and the number alone: the receiver makes the message that it expects and
/// compares. So a message that is lost, repeated, damaged or out of order is seen at once. From 8
/// bytes on, a message begins with its number, so that one can say what came instead.
class CheckedStream {
 public:
  /// `bytes`: how large each is; not given: sizes are mixed.
  CheckedStream(std::uint64_t seed, int source, int dest, std::optional<std::size_t> bytes = {},
                Sizes sizes = Sizes::mixed)
      : key_{mix(seed) ^
             mix(static_cast<std::uint64_t>(source) << 32U | static_cast<std::uint32_t>(dest))},
        source_{source},
        dest_{dest},
        bytes_{bytes},
        sizes_{sizes} {}

  /// The bytes of message `number`; valid until the next call.
  [[nodiscard]] std::span<const std::byte> make(std::uint64_t number) {
    const std::uint64_t start = mix(key_ + number);
    const std::size_t bytes = bytes_.value_or(size_of(start));
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
  [[nodiscard]] std::size_t size_of(std::uint64_t start) const {
    switch (sizes_) {
      case Sizes::mixed:
        return mixed(start);
      case Sizes::tiny:
        return mix(start) % 65;
      case Sizes::around_batch:
        return 32768 - 1024 + mix(start) % 2048;
      case Sizes::large:
        return mix(start) % (3U << 20U);
    }
    return 0;
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
  Sizes sizes_;
  std::vector<std::uint64_t> words_;
};

}  // namespace network
