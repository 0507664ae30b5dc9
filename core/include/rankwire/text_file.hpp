#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace rankwire {

/// The content of the file at `path`. It may be a pipe, as in `--config <(command)`. Throws
/// UsageError, whose text completes "cannot read the file 'F': ", in three cases: the system cannot
/// read it; it is larger than `bytes_max` (no more than needed is read to find that out); or it is
/// not an ordinary file and gave nothing for `patience`.
[[nodiscard]] std::string read_text_file(const std::string& path, std::size_t bytes_max,
                                         std::chrono::milliseconds patience = std::chrono::seconds{
                                             30});

}  // namespace rankwire
