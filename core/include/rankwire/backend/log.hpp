#pragma once

#include <spdlog/logger.h>

namespace rankwire {

/// The library's logger. Writes one line for each message to stderr, with "rankwire: " in front.
/// Thread-safe.
[[nodiscard]] spdlog::logger& log();

}  // namespace rankwire
