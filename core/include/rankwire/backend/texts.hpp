#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rankwire {

/// A window as its sender sees it.
struct WindowUse {
  std::uint64_t outstanding_bytes = 0;
  std::uint64_t window_bytes = 0;
};

/// "room to send 8 bytes to NAME: 60 of a window of 64 bytes are not known to be received there".
[[nodiscard]] std::string lacking_room(const std::string& dest_name, std::size_t bytes,
                                       WindowUse window);

/// Throws the Timeout of clause 3: rank `self` found no room to send `bytes` to `dest`, whom
/// name_of calls `dest_name`.
[[noreturn]] void throw_no_room(int self, int dest, const std::string& dest_name, std::size_t bytes,
                                WindowUse window);

/// The usual bound of printable().
inline constexpr std::size_t printable_bytes_max = 256;

/// What somebody else has said, as it may stand in a line of a log, in a text for others or in
/// Info: control characters (escape sequences, line ends), characters that change the direction of
/// what follows, and bytes that are not UTF-8 are written as \xNN; "..." ends a text that was cut
/// to `bytes_max` bytes. What is printable stays as it is, so that a text may come through many
/// hands. Costs a copy.
[[nodiscard]] std::string printable(std::string_view text,
                                    std::size_t bytes_max = printable_bytes_max);

}  // namespace rankwire
