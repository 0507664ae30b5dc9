#pragma once

#include <string>

namespace launcher {

/// Whether `error` (an errno) says that descriptors, processes or memory have run out.
[[nodiscard]] bool is_shortage(int error);

/// Throws rankwire::TransportError with `what`, the cause, and which limit to raise for a world of
/// `ranks` that this process starts.
[[noreturn]] void throw_shortage(const std::string& what, int error, int ranks);

}  // namespace launcher
