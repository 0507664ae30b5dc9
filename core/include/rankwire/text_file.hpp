#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace rankwire {

/// What the file at `path` holds, which may be a pipe, as of `--config <(command)`. Throws
/// UsageError, which completes "cannot read the file 'F': ": what the system says; that it is
/// larger than `bytes_max`, of which no more is read than shows it; or that it is no ordinary file,
/// and for `patience` gave nothing.
[[nodiscard]] std::string read_text_file(const std::string& path, std::size_t bytes_max,
                                         std::chrono::milliseconds patience = std::chrono::seconds{
                                             30});

}  // namespace rankwire
