#pragma once

namespace comparison {

/// CPU time of all threads of this process, in user and in system mode.
[[nodiscard]] double cpu_seconds();

}  // namespace comparison
