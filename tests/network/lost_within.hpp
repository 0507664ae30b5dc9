#pragma once

#include <algorithm>
#include <chrono>

namespace network {

/// How late a loss may be seen of one who was out of reach, or stopped, from then on. By
/// docs/wire-protocol.md it takes the silence (a quarter of the grace, at most 3 s, of a caller at
/// least 2 s), an eighth of it, the grace, and 1.5 s to dial again. Twice that and 2 s more is for
/// a busy machine.
[[nodiscard]] inline std::chrono::milliseconds lost_within(std::chrono::milliseconds grace) {
  using namespace std::chrono_literals;
  const auto silence = std::clamp<std::chrono::milliseconds>(grace / 4, 2s, 3s);
  return 2 * (silence + silence / 8 + grace + 1500ms) + 2s;
}

}  // namespace network
