#pragma once

#include <CLI/CLI.hpp>
#include <span>

#include "rankwire/backend/backend.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// Declares every option of the library and of its backends on `app`, each once: name, what it
/// accepts, default, help. `settings` is written as they are read and must outlive `app`.
void add_library_options(CLI::App& app, Settings& settings, std::span<const Backend> backends);

/// Its own; none where it has none.
[[nodiscard]] std::span<const BackendOption> options_of(const Backend& backend);

}  // namespace rankwire
