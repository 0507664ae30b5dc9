#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "rankwire/channel.hpp"
#include "rankwire/settings.hpp"

namespace rankwire {

/// One transport, as run() sees it. To add one: write a folder in backends/ that implements Channel
/// and one of these, name it in backends/backends.cpp, and instantiate the conformance suite.
struct Backend {
  std::string_view name;
  /// Opens the world that `settings` describe and returns the channels of those ranks that live in
  /// this process: all of them for inproc, else one. Returns when the world is complete (clause 1);
  /// throws UsageError, Timeout or TransportError when it cannot be.
  std::vector<std::unique_ptr<Channel>> (*open)(const Settings& settings);
};

/// The world that a launcher (mpiexec, srun) says this process is part of, by its variables.
struct LauncherWorld {
  std::string_view variable;  ///< the variable that says so, "OMPI_COMM_WORLD_SIZE"
  int size = 0;               ///< 0: the launcher's variables do not say
};

/// Looks at the environment only; none when no launcher's variables are set.
[[nodiscard]] std::optional<LauncherWorld> launcher_world();

}  // namespace rankwire
