#include "rankwire/backend/wait.hpp"

#include <fmt/format.h>

#include "rankwire/backend/log.hpp"

namespace rankwire {

void say_long_receive(LongWaits& said, int self, const Wanted& wanted) {
  if (said.receives_left == 0) return;
  --said.receives_left;
  log().info("rank {}: has waited {} s to receive from {} (tag {}), and goes on; said once", self,
             LongWaits::say_after.count(),
             wanted.source == any_source ? "anyone" : fmt::format("rank {}", wanted.source),
             wanted.tag == any_tag ? "any" : fmt::format("{}", wanted.tag));
}

void say_long_send(LongWaits& said, int self, const std::string& what) {
  if (said.sends_left == 0) return;
  --said.sends_left;
  log().warn("rank {}: has waited {} s for {}{}", self, LongWaits::say_after.count(), what,
             said.sends_left == 0 ? "; this is not said any more" : "");
}

}  // namespace rankwire
