#include "rankwire/backend/texts.hpp"

#include <fmt/format.h>

#include "rankwire/errors.hpp"

namespace rankwire {

std::string lacking_room(const std::string& dest_name, std::size_t bytes, WindowUse window) {
  return fmt::format(
      "room to send {} bytes to {}: {} of a window of {} bytes (--window) are not known to be "
      "received there",
      bytes, dest_name, window.outstanding_bytes, window.window_bytes);
}

void throw_no_room(int self, int dest, const std::string& dest_name, std::size_t bytes,
                   WindowUse window) {
  throw Timeout{fmt::format("rank {}: no {}{}; receive first, wait longer, or raise --window", self,
                            lacking_room(dest_name, bytes, window),
                            dest == self ? ", and only this rank could" : "")};
}

}  // namespace rankwire
