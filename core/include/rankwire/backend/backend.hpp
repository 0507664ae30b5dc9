#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// Where a value came from. If two values contradict each other, the later kind wins.
struct Source {
  enum class Kind { standard, file, environment, command_line, program };
  Kind kind = Kind::standard;
  std::string text = "default";  ///< "command line", "variable RANKWIRE_RANKS", "file F line 3"
};

/// The source of each option that was given, by the option's name without dashes: "ranks".
using Sources = std::map<std::string, Source, std::less<>>;

/// The world of which a launcher (mpiexec, srun) says, by its variables, that this process is a
/// part.
struct LauncherWorld {
  std::string_view variable;  ///< the variable that says so: "OMPI_COMM_WORLD_SIZE"
  int size = 0;               ///< 0: the launcher's variables do not say
};

/// The launcher's world, or nothing if no launcher has set its variables. Looks only at the
/// environment.
[[nodiscard]] std::optional<LauncherWorld> launcher_world();

/// The options that were given for a world that is to be opened. A backend checks them.
struct Said {
  const Settings& settings;
  const Sources& sources;
  std::optional<LauncherWorld> launcher{};
  /// The number of processes that `rankwire launch` says it has started, if it started this one;
  /// otherwise empty. Anybody may have set this text.
  std::string launched{};

  /// Where `option` ("ranks") was given. Kind::standard if it was not.
  [[nodiscard]] Source source(std::string_view option) const;
  /// The name of an option in errors, with its source: "--ranks (command line)".
  [[nodiscard]] std::string name(std::string_view option) const;
  /// The text of a transport's own option. Empty if it was not given.
  [[nodiscard]] std::string text(std::string_view option) const;
  [[nodiscard]] bool has(std::string_view option) const { return !text(option).empty(); }
};

/// An option of a single transport. Its text goes into Settings::options.
struct BackendOption {
  std::string_view name;  ///< "listen": --listen, the variable RANKWIRE_LISTEN, the key listen
  std::string_view type;  ///< the name of its value in --help: "ENDPOINT"; empty: a flag ("true")
  std::string_view help;  ///< text of --help, with its line breaks
  /// Throws UsageError for a text that is not valid. The error begins with that text, in quotes.
  void (*check)(const std::string& text);
  std::string_view standard{};  ///< the default that --help shows; empty: none
};

/// A transport: a table of data and functions, of which all but the first two may be left out. To
/// add one, write a folder in backends/ that implements Channel and has one of these, add a line to
/// backends/backends.cpp, and run the conformance suite on it (docs/backends.md).
struct Backend {
  std::string_view name;
  /// Opens the world that `settings` describe. Returns the channels of the ranks that live in this
  /// process: all ranks for inproc, one for the others. Returns when the world is complete (clause
  /// 1). Throws UsageError, Timeout or TransportError if that is not possible.
  std::vector<std::unique_ptr<Channel>> (*open)(const Settings& settings);

  /// The transport's own options, in the order of --help. Returns the same each time; they are
  /// never destroyed.
  std::span<const BackendOption> (*options)() = nullptr;

  /// Whether the options mean this transport although --transport was not given: by an option of
  /// its own, or because of a launcher. If several transports are meant, the last in the list is
  /// taken; if none is, the first in the list. Called for each backend, even if --transport was
  /// given. Throws UsageError if its own options contradict each other or the given transport.
  bool (*is_meant)(const Said& said) = nullptr;
  /// When is_meant is true, in words for --help: "under mpiexec or srun".
  std::string_view meant_when{};

  /// Called for each backend after settings.transport was chosen, which may be another's. Throws
  /// UsageError, which says what to do, for options that contradict each other or are missing.
  void (*check)(const Said& said) = nullptr;

  /// If the transport is left out of a build, `open` is null, and this gives the error for a user
  /// who chose it.
  std::string (*not_built)(const Said& said) = nullptr;

  /// The launcher ends the world when one of its processes ends early: it tells why, and sends
  /// SIGTERM to the others. run() then leaves two things to the launcher: the end of a process by
  /// exit(0), and the line about that signal.
  bool launcher_ends_world = false;
};

}  // namespace rankwire
