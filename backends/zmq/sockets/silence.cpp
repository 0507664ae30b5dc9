#include "sockets/silence.hpp"

#include <poll.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rankwire::zmq_wire {
namespace {

constexpr int looks_within_limit = 8;

}  // namespace

void Silence::watch(int descriptor, std::chrono::milliseconds limit) {
  const auto connection = StreamConnection::at(descriptor);
  if (!connection) return;  // gone already
  Watched watched{*connection, limit};
  watched.end_of_process = connection->end_of_process();
  watched_.insert_or_assign(descriptor, std::move(watched));
  look_interval_ = std::min(look_interval_, limit / looks_within_limit);
  next_look_ = next_look_.sooner(look_interval_);
}

Silence::End Silence::end_of(Watched& watched) {
  if (!watched.connection.is_still_there()) return End::gone;
  if (!watched.connection.process()) return is_silent(watched) ? End::silent : End::none;
  if (has_exited(watched)) return End::exited;
  return is_stopped(watched) ? End::silent : End::none;
}

bool Silence::is_silent(const Watched& watched) {
  const auto facts = watched.connection.facts();
  return facts && facts->silent_for > watched.limit;
}

/// Whether its process was stopped at each look for as long as the limit.
bool Silence::is_stopped(Watched& watched) {
  if (!watched.connection.process_is_stopped()) {
    watched.stopped_until = Deadline::never();
  } else if (watched.stopped_until.is_never()) {
    watched.stopped_until = watched.limit;
  }
  return watched.stopped_until.expired();
}

/// Whether its process has exited. What that had sent can still be read.
bool Silence::has_exited(const Watched& watched) {
  pollfd end{watched.end_of_process.get(), POLLIN, 0};
  return end.fd >= 0 && ::poll(&end, 1, 0) > 0;
}

std::vector<int> Silence::look() {
  std::vector<int> exited;
  if (!next_look_.expired()) return exited;
  for (auto at = watched_.begin(); at != watched_.end();) {
    const End end = end_of(at->second);
    if (end == End::exited) exited.push_back(at->first);
    if (end == End::exited || end == End::silent) at->second.connection.end();
    at = end == End::none ? std::next(at) : watched_.erase(at);
  }
  next_look_ = watched_.empty() ? Deadline::never() : Deadline{look_interval_};
  return exited;
}

}  // namespace rankwire::zmq_wire
