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

/// Where a value came from.
struct Source {
  /// In rising order of authority: if two values contradict each other, the one whose kind comes
  /// later here wins.
  enum class Kind { standard, file, environment, command_line, program };
  Kind kind = Kind::standard;
  std::string text = "default";  ///< "command line", "variable RANKWIRE_RANKS", "file F line 3"
  /// The text of the next source in falling authority that gives the option, too, without effect.
  std::string overruled{};
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

/// What was said about a world that is to be opened, and by whom. A backend checks it. The
/// references are good only during the call that gets this.
struct Said {
  const Settings& settings;                 ///< the values; defaults for what was not given
  const Sources& sources;                   ///< which of them were given, and where
  std::optional<LauncherWorld> launcher{};  ///< see launcher_world()
  /// How many processes `rankwire launch` has started, as a text. Empty if it has not started this
  /// process. The text comes from an environment variable, so it may be anything.
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

  /// Whether what was said means this transport, by an option of its own or by a launcher. This
  /// decides if --transport was not given: of the backends that are meant, the last in the list
  /// (backends/backends.cpp) is taken; if none is meant, the first in the list. Called for each
  /// backend even if --transport was given, so that it can throw UsageError if its own options
  /// contradict each other or the given transport.
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
