#pragma once

#include <string_view>

namespace rankwire {

/// Keeps the descriptors 0, 1 and 2 for stdin, stdout and stderr. If one of them was closed when
/// the program started (`program >&-`), the next file or socket to be opened would get its number,
/// and results would go there. This puts a descriptor in its place that neither takes nor gives
/// anything: using it is still an error. run() calls this before it opens anything.
void keep_standard_descriptors() noexcept;

/// Writes what stdio holds back for stdout, and then all of `text`. A signal handler of the program
/// cannot cut it short. (stdio may lose text that way: without SA_RESTART, where stdout is a
/// terminal or a full pipe.) If stdout does not take all of it, flush_output returns false from
/// then on.
void write_output(std::string_view text) noexcept;

/// Flushes what stdio and iostreams hold back for stdout. False if stdout has not taken everything
/// that was ever written to it: the disk is full, the reader of the pipe has gone, or stdout is
/// closed.
[[nodiscard]] bool flush_output();

/// Like flush_output, but throws Error with the reason instead of returning false.
void finish_output();

}  // namespace rankwire
