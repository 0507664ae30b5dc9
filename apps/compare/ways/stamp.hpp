#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// How payloads are checked. A payload begins and ends with its number, the stamp, which is checked
// for each message. What lies between is a pattern where every byte is checked, which takes so long
// that it is done outside of the time that is measured.

namespace comparison {

inline constexpr std::size_t stamp_bytes = 8;  ///< the shortest payload there is

void stamp(std::span<std::byte> payload, std::uint64_t number);

/// The number. Throws rankwire::Error when the two ends of the payload differ.
[[nodiscard]] std::uint64_t stamp_of(std::span<const std::byte> payload);

/// Writes a byte of each page between the stamps. Memory that was allocated and not written is, to
/// the kernel that copies it, one page of zeros, over and over, out of the cache: nobody's data.
void touch_middle(std::span<std::byte> payload);

/// Writes the pattern between the stamps.
void fill_middle(std::span<std::byte> payload);

/// Throws rankwire::Error, which names the first byte that is not fill_middle's.
void check_middle(std::span<const std::byte> payload);

}  // namespace comparison
