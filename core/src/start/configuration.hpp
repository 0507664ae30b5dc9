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
  std::vector<std::string> arguments;      ///< the command line; the program's name is first
  std::vector<std::string> environment;    ///< "NAME=VALUE" of every variable
  std::vector<std::string_view> backends;  ///< the names of those that were built
  std::optional<LauncherWorld> launcher;
};

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

/// Where a value came from; the later kind has the say.
struct Source {
  enum class Kind { standard, file, environment, command_line };
  Kind kind = Kind::standard;
  std::string text = "default";  ///< "command line", "variable RANKWIRE_RANKS", "file F line 3"
};

/// One key of a configuration file. `value` is text as the command line would have it.
struct FileEntry {
  std::string key, value;
  unsigned line = 0;
};

/// The keys of a TOML file, in the order of their lines. Throws UsageError with file, line, column.
[[nodiscard]] std::vector<FileEntry> read_configuration_file(const std::string& path);

/// The sources of those settings that can contradict each other.
struct Sources {
  Source transport, ranks, listen, join, rank;
  Source address_file, advertise, port_range, key, allow, server_key, insecure;
};

/// "--rank (command line)"
[[nodiscard]] std::string said(const char* option, const Source& source);

/// Refuses options of reach and keys that contradict each other, or the transport, which has been
/// chosen. Throws UsageError, which says what to do.
void check_reach_and_keys(const Settings& settings, const Sources& sources);

/// Fills settings.transport when nobody said it, and refuses what contradicts itself or needs what
/// was not built. Throws UsageError.
void choose_transport(Settings& settings, const Sources& sources, const Start& start);

}  // namespace rankwire
