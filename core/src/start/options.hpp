#pragma once

#include <CLI/CLI.hpp>

#include "rankwire/settings.hpp"

namespace rankwire {

/// Declares every option of the library on `app`, each once: name, what it accepts, default, help.
/// `settings` is written as they are read and must outlive `app`.
void add_library_options(CLI::App& app, Settings& settings);

}  // namespace rankwire
