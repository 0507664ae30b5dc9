#pragma once

#include <string>

namespace rankwire {

/// This machine's name as gethostname gives it.
[[nodiscard]] std::string host_name();
/// This process's id.
[[nodiscard]] int process_id();

}  // namespace rankwire
