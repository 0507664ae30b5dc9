#pragma once

#include <optional>
#include <string>
#include <vector>

namespace comparison {

/// Runs `command` (looked for in PATH as a shell does) from its start to its end; gives the
/// seconds. Its stdout is thrown away, `environment` ("NAME=value") is added to this process's own.
/// Nothing when there is no such program. Throws rankwire::Error when it fails, or does not end
/// within a minute (it is ended then).
[[nodiscard]] std::optional<double> time_process(const std::vector<std::string>& command,
                                                 const std::vector<std::string>& environment = {});

}  // namespace comparison
