#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rankwire/run.hpp"

namespace rankwire {

/// What the start of a program is told, apart from its options.
struct Start {
  std::vector<std::string> arguments;    ///< the command line; the program's name is first
  std::vector<std::string> environment;  ///< "NAME=VALUE" of every variable
  std::span<const Backend> backends;     ///< not empty
  std::optional<LauncherWorld> launcher;
};

/// What this process finds around it: all but arguments.
[[nodiscard]] Start start_here(std::span<const Backend> backends);

/// By this variable `rankwire launch` tells each rank how many it has started. Not an option.
inline constexpr std::string_view launch_size_variable = "RANKWIRE_LAUNCH_SIZE";

/// What was read.
struct Configuration {
  Settings settings;
  /// RANKWIRE_* that are like no option of the program: somebody else's, and without effect.
  std::vector<std::string> ignored_variables;
};

/// The text that --help or --version asked for; it goes to stdout, and the program ends with 0.
struct Answer {
  std::string text;
};

/// Reads every option from the first of these that says it: the command line, the environment, the
/// file of --config, the default; an empty variable says nothing. Then chooses the transport. An
/// option is declared once, on the CLI::App, for all three sources. Throws UsageError, which says
/// where the value came from, the value, and what is accepted.
[[nodiscard]] std::variant<Configuration, Answer> read_configuration(const Start& start,
                                                                     const Program& program);

/// One key of a configuration file. `value` is text as the command line would have it.
struct FileEntry {
  std::string key, value;
  unsigned line = 0;
};

/// The keys of a TOML file, in the order of their lines. Throws UsageError with file, line, column.
[[nodiscard]] std::vector<FileEntry> read_configuration_file(const std::string& path);

/// Fills settings.transport when nobody said it, lets the backends check what was said of their
/// options, and drops what was said for other transports. Throws UsageError.
void choose_transport(Settings& settings, const Sources& sources, const Start& start);

/// The backend of this name, which is one of them.
[[nodiscard]] const Backend& backend_named(std::string_view name,
                                           std::span<const Backend> backends);

}  // namespace rankwire
