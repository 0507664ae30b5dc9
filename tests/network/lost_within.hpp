#pragma once

#include <algorithm>
#include <chrono>

namespace network {

/// How late a loss may be seen of one who was out of reach, or stopped, from then on. By
/// docs/wire-protocol.md it takes the silence (a quarter of the grace, of a caller at least 2 s),
/// an eighth of it, and the grace. Twice that and 2 s more is for a busy machine; a grace that is
/// taken four times is over later, from 4 s on.
[[nodiscard]] inline std::chrono::milliseconds lost_within(std::chrono::milliseconds grace) {
  using namespace std::chrono_literals;
  const auto silence = std::clamp<std::chrono::milliseconds>(grace / 4, 2s, 4s);
  return 2 * (silence + silence / 8 + grace) + 2s;
}

}  // namespace network
