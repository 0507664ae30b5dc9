#include "links/early_links.hpp"

#include <algorithm>
#include <iterator>

#include "rankwire/backend/window.hpp"

namespace rankwire::zmq_wire {

bool EarlyLinks::add(ConnectionId connection, Call&& call) {
  if (calls_.size() >= calls_max_) return false;
  calls_[connection] = std::move(call);
  return true;
}

EarlyLinks::Call* EarlyLinks::find(ConnectionId connection) {
  const auto found = calls_.find(connection);
  return found == calls_.end() ? nullptr : &found->second;
}

void EarlyLinks::keep(Call& call, Incoming&& frame) {
  const std::size_t bytes =
      frame.first.size() + frame.chunk.size() + Windows::message_overhead_bytes;
  if (call.dropped || bytes_ + bytes > bytes_max_) {
    call.dropped = true;
    return;
  }
  bytes_ += bytes;
  call.frames.push_back(std::move(frame));
}

std::vector<std::pair<ConnectionId, EarlyLinks::Call>> EarlyLinks::take(const Member& member) {
  std::vector<std::pair<ConnectionId, Call>> taken;
  for (auto at = calls_.begin(); at != calls_.end();) {
    const LinkHello& hello = at->second.hello;
    const bool is_its = hello.rank == member.rank && hello.incarnation == member.incarnation;
    if (is_its) taken.emplace_back(at->first, std::move(at->second));
    at = is_its ? calls_.erase(at) : std::next(at);
  }
  if (calls_.empty()) bytes_ = 0;
  std::sort(taken.begin(), taken.end(), [](const auto& left, const auto& right) {
    return left.second.hello.call < right.second.hello.call;
  });
  return taken;
}

}  // namespace rankwire::zmq_wire
