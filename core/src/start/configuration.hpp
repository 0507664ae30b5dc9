#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rankwire/run.hpp"

namespace rankwire {

/// What the start of a program is based on, apart from its options.
struct Start {
  std::vector<std::string> arguments;    ///< the command line, with the program's name first
  std::vector<std::string> environment;  ///< all variables, as "NAME=VALUE"
  std::span<const Backend> backends;     ///< not empty
  std::optional<LauncherWorld> launcher;
};

/// The Start of this process, except `arguments`.
[[nodiscard]] Start start_here(std::span<const Backend> backends);

/// `rankwire launch` tells each rank by this variable how many it has started. Not an option.
inline constexpr std::string_view launch_size_variable = "RANKWIRE_LAUNCH_SIZE";

/// The configuration that was read.
struct Configuration {
  Settings settings;
  /// RANKWIRE_* variables that resemble no option of the program. They are somebody else's, and
  /// have no effect.
  std::vector<std::string> ignored_variables;
};

/// The text that --help or --version asked for. It goes to stdout, and the program exits with 0.
struct Answer {
  std::string text;
};

/// Reads each option from the first of these sources that gives it: the command line, the
/// environment, the file of --config, the default. An empty variable gives nothing. Then chooses
/// the transport. An option is declared once, on the CLI::App, for all sources. Throws UsageError,
/// which names the source, the value, and what is accepted.
[[nodiscard]] std::variant<Configuration, Answer> read_configuration(const Start& start,
                                                                     const Program& program);

/// A key of a configuration file. `value` is text as on the command line.
struct FileEntry {
  std::string key, value;
  unsigned line = 0;
};

/// Reads the keys of a TOML file, in the order of their lines. Throws UsageError with the file,
/// line and column.
[[nodiscard]] std::vector<FileEntry> read_configuration_file(const std::string& path);

/// Chooses settings.transport if it was not given. Lets the backends check their options, and drops
/// options of other transports. Throws UsageError.
void choose_transport(Settings& settings, const Sources& sources, const Start& start);

/// The backend called `name`, which must be one of `backends`.
[[nodiscard]] const Backend& backend_named(std::string_view name,
                                           std::span<const Backend> backends);

}  // namespace rankwire
