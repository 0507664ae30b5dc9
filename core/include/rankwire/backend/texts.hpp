#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rankwire/printable.hpp"

namespace rankwire {

/// A window as its sender sees it.
struct WindowUse {
  std::uint64_t outstanding_bytes = 0;
  std::uint64_t window_bytes = 0;
  std::uint64_t share_bytes = 0;  ///< what of it is sure
};

/// "room to send 8 bytes to NAME: 60 of a window of 64 bytes are not known to be received there".
[[nodiscard]] std::string lacking_room(const std::string& dest_name, std::size_t bytes,
                                       WindowUse window);

/// Throws the Timeout of clause 3: rank `self` found no room to send `bytes` to `dest`. `dest_name`
/// is what name_of calls that rank.
[[noreturn]] void throw_no_room(int self, int dest, const std::string& dest_name, std::size_t bytes,
                                WindowUse window);

}  // namespace rankwire
