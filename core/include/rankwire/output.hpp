#pragma once

#include <string_view>

namespace rankwire {

/// Keeps the numbers 0, 1 and 2 for stdin, stdout and stderr. One that was closed when the program
/// started (`program >&-`) would be given to the next file or socket that is opened, and results
/// would go there. In its place comes a descriptor that takes and gives nothing, so that its use
/// stays the error that it is. Called by run(), before anything is opened.
void keep_standard_descriptors() noexcept;

/// Writes all of `text` to stdout at once, behind what stdio holds back. A signal handler of the
/// program's does not end that, as it may end a write of stdio's, which then loses what it had
/// (without SA_RESTART, where stdout is a terminal, or a pipe that is full). What stdout did not
/// take makes flush_output false.
void write_output(std::string_view text) noexcept;

/// Flushes what stdio and iostreams hold back for stdout. False when it did not take all that was
/// ever written to it: a full disk, a pipe whose reader has gone, a closed stdout.
[[nodiscard]] bool flush_output();

/// As flush_output; throws Error, which says so, instead of giving false.
void finish_output();

}  // namespace rankwire
