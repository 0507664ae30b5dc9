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

/// Where a value came from. Where two contradict each other, the later kind has the say.
struct Source {
  enum class Kind { standard, file, environment, command_line, program };
  Kind kind = Kind::standard;
  std::string text = "default";  ///< "command line", "variable RANKWIRE_RANKS", "file F line 3"
};

/// Of what was said, where; by the option's name without dashes, "ranks".
using Sources = std::map<std::string, Source, std::less<>>;

/// The world that a launcher (mpiexec, srun) says this process is part of, by its variables.
struct LauncherWorld {
  std::string_view variable;  ///< the variable that says so, "OMPI_COMM_WORLD_SIZE"
  int size = 0;               ///< 0: the launcher's variables do not say
};

/// Looks at the environment only; none when no launcher's variables are set.
[[nodiscard]] std::optional<LauncherWorld> launcher_world();

/// What was said of a world that is to be opened: what a backend's own checks look at.
struct Said {
  const Settings& settings;
  const Sources& sources;
  std::optional<LauncherWorld> launcher{};
  /// What `rankwire launch`, which started this process, says of how many it has started; empty
  /// where it did not. A text that anybody may have set.
  std::string launched{};

  /// Where `option` ("ranks") was said; Kind::standard where it was not.
  [[nodiscard]] Source source(std::string_view option) const;
  /// "--ranks (command line)": how errors name an option and where it was said.
  [[nodiscard]] std::string name(std::string_view option) const;
  /// The text of a transport's own option; empty where it was not said.
  [[nodiscard]] std::string text(std::string_view option) const;
  [[nodiscard]] bool has(std::string_view option) const { return !text(option).empty(); }
};

/// An option of a transport's own. Its text is kept in Settings::options.
struct BackendOption {
  std::string_view name;  ///< "listen": --listen, the variable RANKWIRE_LISTEN, the key listen
  std::string_view type;  ///< what --help calls its value, "ENDPOINT"; empty: a flag, "true" or not
  std::string_view help;  ///< a line of --help breaks where this does
  /// Throws UsageError for a text that cannot be meant; it begins with that text, in quotes.
  void (*check)(const std::string& text);
  std::string_view standard{};  ///< the default that --help shows; empty: none
};

/// One transport: a table of data and functions, of which all but the first two may be left out. To
/// add one: a folder in backends/ that implements Channel and has one of these, a line in
/// backends/backends.cpp, and the conformance suite (docs/backends.md).
struct Backend {
  std::string_view name;
  /// Opens the world that `settings` describe and returns the channels of those ranks that live in
  /// this process: all of them for inproc, else one. Returns when the world is complete (clause 1);
  /// throws UsageError, Timeout or TransportError when it cannot be.
  std::vector<std::unique_ptr<Channel>> (*open)(const Settings& settings);

  /// Its own options, in the order of --help; the same each time, and never destroyed.
  std::span<const BackendOption> (*options)() = nullptr;

  /// Whether what was said means this transport, where nobody says --transport: by an option of its
  /// own, or by a launcher. Of several that are meant, the last of the list is taken; where none
  /// is, the first of all. Called for each backend, whatever --transport says: throws UsageError
  /// where its own options contradict each other, or the transport that was said.
  bool (*is_meant)(const Said& said) = nullptr;
  /// When that is, for --help: "under mpiexec or srun".
  std::string_view meant_when{};

  /// Called for each backend when settings.transport has been chosen, perhaps another's: throws
  /// UsageError for what contradicts itself, or is missing, and says what to do.
  void (*check)(const Said& said) = nullptr;

  /// Where it is left out of a build, `open` is null, and this says so to whoever chose it.
  std::string (*not_built)(const Said& said) = nullptr;

  /// Its launcher ends the world when a process of it ends early, tells why, and sends SIGTERM to
  /// the others. Then run() leaves both to it: the end of a process by exit(0), and the line about
  /// that signal.
  bool launcher_ends_world = false;
};

}  // namespace rankwire
