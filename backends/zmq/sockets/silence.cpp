#include "sockets/silence.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

namespace rankwire::zmq_wire {
namespace {

constexpr int looks_within_limit = 8;

}  // namespace

void Silence::watch(int descriptor, std::chrono::milliseconds limit) {
  const auto connection = StreamConnection::at(descriptor);
  if (!connection) return;  // gone already
  forget(descriptor);
  Watched& watched = watched_.try_emplace(descriptor, Watched{*connection, limit}).first->second;
  watched.end_of_process = connection->end_of_process();
  look_again(descriptor, watched, limit / looks_within_limit);
}

void Silence::forget(int descriptor) {
  const auto found = watched_.find(descriptor);
  if (found == watched_.end()) return;
  order_.erase({found->second.look_at, descriptor});
  watched_.erase(found);
}

void Silence::look_again(int descriptor, Watched& watched, std::chrono::milliseconds from_now) {
  watched.look_at = Deadline::Clock::now() + from_now;
  order_.emplace(watched.look_at, descriptor);
}

/// Whether and how a connection has ended; if it has not, sets when it may be silent at the
/// earliest.
Silence::End Silence::end_of(Watched& watched, std::chrono::milliseconds& look_in) {
  const auto least = watched.limit / looks_within_limit;
  look_in = least;
  if (!watched.connection.process()) {
    const auto facts = watched.connection.facts();
    if (!facts) return End::gone;
    if (facts->silent_for > watched.limit) return End::silent;
    look_in = std::max(least, watched.limit - facts->silent_for);
    return End::none;
  }
  if (!watched.connection.is_still_there()) return End::gone;
  if (has_exited(watched)) return End::exited;
  return End::none;
}

/// Whether its process has exited. What that had sent can still be read.
bool Silence::has_exited(const Watched& watched) {
  pollfd end{watched.end_of_process.get(), POLLIN, 0};
  return end.fd >= 0 && ::poll(&end, 1, 0) > 0;
}

std::vector<int> Silence::look() {
  std::vector<int> exited;
  if (order_.empty()) return exited;
  const auto now = Deadline::Clock::now();
  while (!order_.empty() && order_.begin()->first <= now) {
    const int descriptor = order_.begin()->second;
    order_.erase(order_.begin());
    Watched& watched = watched_.at(descriptor);
    std::chrono::milliseconds look_in{};
    const End end = end_of(watched, look_in);
    if (end == End::exited) exited.push_back(descriptor);
    if (end == End::exited || end == End::silent) watched.connection.end();
    if (end == End::none) {
      look_again(descriptor, watched, look_in);
    } else {
      watched_.erase(descriptor);
    }
  }
  return exited;
}

}  // namespace rankwire::zmq_wire
