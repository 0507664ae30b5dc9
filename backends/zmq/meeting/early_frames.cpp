#include "meeting/early_frames.hpp"

#include <algorithm>

#include "protocol/protocol.hpp"
#include "rankwire/backend/window.hpp"

namespace rankwire::zmq_wire {
namespace {

/// At most this many bytes of a caller are kept, until this worker can tell whether the caller
/// belongs to its world.
constexpr std::uint64_t bytes_max = std::uint64_t{8} << 20;
/// This many callers may come, or as many as there are ranks, if that is known and more.
constexpr std::size_t callers_min = 16;

/// Whether a frame may come before the start: not a hello, and not a link that cannot be decoded.
bool is_sound(const Incoming& incoming) {
  if (incoming.header.kind != Kind::link) return incoming.header.kind != Kind::hello;
  try {
    (void)decode<LinkHello>(incoming.body());
    return true;
  } catch (const DecodeError&) {
    return false;
  }
}

}  // namespace

void EarlyFrames::keep(Incoming&& incoming, Wire& wire, int ranks, std::uint64_t window_bytes) {
  const ConnectionId from = incoming.connection;
  if (incoming.what == Incoming::What::down) bytes_.erase(from);
  if (incoming.what != Incoming::What::frame) return;
  if (!is_sound(incoming)) {
    wire.count_dropped(from, "not a link, before the start");
    return;
  }
  if (!bytes_.contains(from) &&
      bytes_.size() >= std::max(callers_min, static_cast<std::size_t>(std::max(ranks, 0)))) {
    dropped_ = true;  // the caller sends again, when there are fewer or this rank has started
    wire.show_out(from);
    return;
  }
  const std::uint64_t limit = std::min(window_bytes, bytes_max);
  const std::uint64_t bytes =
      incoming.first.size() + incoming.chunk.size() + Windows::message_overhead_bytes;
  if (bytes_[from] + bytes > limit) {
    dropped_ = true;  // the caller sends again
    forget(from);
    wire.show_out(from);
  } else if (all_bytes_ + bytes > 2 * limit) {
    dropped_ = true;
  } else {
    bytes_[from] += bytes;
    all_bytes_ += bytes;
    wire.listen_to(from);
    frames_.push_back(std::move(incoming));
  }
}

void EarlyFrames::forget(ConnectionId caller) {
  std::erase_if(frames_, [&](const Incoming& frame) { return frame.connection == caller; });
  all_bytes_ -= bytes_[caller];
  bytes_.erase(caller);
}

}  // namespace rankwire::zmq_wire
