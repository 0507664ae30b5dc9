#include "harness.hpp"

namespace conformance {

void run_case(const char* name, const Needs& needs, const Body& body) {
  if (harness().ranks() < needs.ranks_min) {
    MESSAGE("skipped: needs " << needs.ranks_min << " ranks, the world has " << harness().ranks()
                              << ": " << name);
    return;
  }
  for (const auto& failure : harness().run(needs.settings, body)) {
    ADD_FAIL_CHECK_AT(__FILE__, __LINE__, failure);
  }
}

std::string run_rank(std::unique_ptr<Channel> channel, const Body& body) {
  Rank self{std::move(channel)};
  const int rank = self.world().rank();
  std::string failure;
  try {
    body(self);
  } catch (const std::exception& error) {
    failure = fmt::format("rank {}: {}", rank, error.what());
  }
  try {
    if (self.channel) self.channel->close(patience);
  } catch (const rankwire::Aborted&) {  // the case has seen it already
  } catch (const std::exception& error) {
    failure += fmt::format(" rank {} at close: {}", rank, error.what());
  }
  return failure;
}

}  // namespace conformance
