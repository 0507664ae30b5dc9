#include "rankwire/backend/texts.hpp"

#include <fmt/format.h>

#include "rankwire/errors.hpp"

namespace rankwire {

void throw_no_room(int self, int dest, const std::string& dest_name, std::size_t bytes,
                   WindowUse window) {
  throw Timeout{fmt::format(
      "rank {}: no room to send {} bytes to {}: {} of a window of {} bytes are not yet received "
      "there{}; receive first, wait longer, or raise --window",
      self, bytes, dest_name, window.outstanding_bytes, window.window_bytes,
      dest == self ? ", and only this rank could" : "")};
}

}  // namespace rankwire
