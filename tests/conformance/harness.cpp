#include "harness.hpp"

#include <cstdlib>

namespace conformance {

void run_case(const char* name, const Needs& needs, const Body& body) {
  if (harness().ranks() < needs.ranks_min) {
    MESSAGE("skipped: needs " << needs.ranks_min << " ranks, the world has " << harness().ranks()
                              << ": " << std::string{name});
    return;
  }
  if (harness().ranks() > needs.ranks_max) {
    MESSAGE("left to a world of " << needs.ranks_max << " ranks: " << std::string{name});
    return;
  }
  Settings settings = needs.settings;
  // The suite once more, without the thread of clause 15.
  if (std::getenv("TEST_PROGRESS_CALL") != nullptr) settings.progress_thread = false;
  for (const auto& failure : harness().run(settings, body)) {
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

Buffer pattern(std::size_t size, unsigned seed) {
  Buffer buffer{size};
  for (std::size_t i = 0; i < size; ++i) {
    buffer.data()[i] = static_cast<std::byte>(((i * 2654435761U) >> 13U) + seed);
  }
  return buffer;
}

bool same(const Buffer& a, const Buffer& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace conformance
