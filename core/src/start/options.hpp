#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <string_view>

#include "rankwire/backend/backend.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// Declares every option of the library and its backends on `app`: name, accepted values, default,
/// help. Reading the options writes to `settings`, which must outlive `app`.
void add_library_options(CLI::App& app, Settings& settings, std::span<const Backend> backends);

/// Gives `option`, which is called `name`, a value as the command line would. Throws UsageError,
/// whose text begins with `source`.
void give(CLI::Option& option, const std::string& name, const std::string& value,
          std::string_view source);

/// The backend's own options. Empty if it has none.
[[nodiscard]] std::span<const BackendOption> options_of(const Backend& backend);

}  // namespace rankwire
