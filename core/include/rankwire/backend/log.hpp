#pragma once

#include <spdlog/logger.h>

namespace rankwire {

/// The library's logger: to stderr, one line a message, "rankwire: " before it. Thread-safe.
[[nodiscard]] spdlog::logger& log();

}  // namespace rankwire
