#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rankwire {

/// The usual bound of printable().
inline constexpr std::size_t printable_bytes_max = 256;

/// What somebody else has said (another rank, a file, the command line), as it may stand in an
/// error, in a line of a log, in a text for others or in Info: control characters (zeros, escape
/// sequences, line ends), characters that change the direction of what follows, and bytes that are
/// not UTF-8 are written as \xNN; "..." ends a text that was cut to `bytes_max` bytes. What is
/// printable stays as it is, so that a text may come through many hands. Costs a copy.
[[nodiscard]] std::string printable(std::string_view text,
                                    std::size_t bytes_max = printable_bytes_max);

/// As printable, of the name of a file or folder: whole, however deep it lies, as it may be copied.
[[nodiscard]] std::string printable_path(std::string_view path);

}  // namespace rankwire
