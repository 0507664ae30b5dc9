#include "silence.hpp"

#include <algorithm>
#include <iterator>

namespace rankwire::zmq_wire {
namespace {

/// More than the PINGs that go out within any limit: these the other side's system takes even where
/// its program has stopped.
constexpr std::uint64_t moved_bytes_least = 4096;
constexpr int looks_within_limit = 8;

}  // namespace

void Silence::watch(int descriptor, std::chrono::milliseconds limit) {
  const auto connection = TcpConnection::at(descriptor);
  if (!connection) return;  // gone already
  watched_.insert_or_assign(descriptor, Watched{*connection, limit, Deadline::poll(), 0});
  look_each_ = std::min(look_each_, limit / looks_within_limit);
  next_look_ = next_look_.sooner(look_each_);
}

bool Silence::is_over(Watched& watched) {
  const auto facts = watched.connection.facts();
  if (!facts) return true;
  if (facts->bytes_acknowledged - watched.bytes_acknowledged >= moved_bytes_least) {
    watched.bytes_acknowledged = facts->bytes_acknowledged;
    watched.unmoved_until = watched.limit;
  }
  if (facts->silent_for <= watched.limit || !watched.unmoved_until.expired()) return false;
  watched.connection.end();
  return true;
}

void Silence::look() {
  if (!next_look_.expired()) return;
  for (auto at = watched_.begin(); at != watched_.end();) {
    at = is_over(at->second) ? watched_.erase(at) : std::next(at);
  }
  next_look_ = watched_.empty() ? Deadline::never() : Deadline{look_each_};
}

}  // namespace rankwire::zmq_wire
