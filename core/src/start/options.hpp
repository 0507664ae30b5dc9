#pragma once

#include <CLI/CLI.hpp>
#include <span>

#include "rankwire/backend/backend.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// Declares every option of the library and its backends on `app`: name, accepted values, default,
/// help. Reading the options writes to `settings`, which must outlive `app`.
void add_library_options(CLI::App& app, Settings& settings, std::span<const Backend> backends);

/// The backend's own options. Empty if it has none.
[[nodiscard]] std::span<const BackendOption> options_of(const Backend& backend);

}  // namespace rankwire
