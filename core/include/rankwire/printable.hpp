#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rankwire {

/// The default bound of printable().
inline constexpr std::size_t printable_bytes_max = 256;

/// Makes text from elsewhere (another rank, a file, the command line) safe to show in an error, a
/// log, Info or a text for others. Writes as \xNN: control characters (zeros, escape sequences,
/// line ends), characters that change the direction of text, and bytes that are not UTF-8. Cuts the
/// text to `bytes_max` bytes and then ends it with "...". Text that is printable stays as it is, so
/// it may pass through several times. Costs a copy.
[[nodiscard]] std::string printable(std::string_view text,
                                    std::size_t bytes_max = printable_bytes_max);

/// Like printable, for the name of a file or folder. It is never cut, so that it can be copied.
[[nodiscard]] std::string printable_path(std::string_view path);

}  // namespace rankwire
