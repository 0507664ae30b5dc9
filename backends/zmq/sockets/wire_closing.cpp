#include <fmt/format.h>

#include <random>
#include <thread>
#include <utility>

#include "sockets/calls.hpp"
#include "sockets/wire.hpp"

// How a Wire ends. Its sockets stay open until libzmq has handed over what was sent; their
// connections are ended before the sockets are closed. libzmq's own linger must not be used: if a
// frame comes over a connection whose socket is closed, its input stops; if the other side then
// resets it, the next PING aborts this process (libzmq 4.3.4, "Assertion failed: !_io_error").

namespace rankwire::zmq_wire {
namespace {

/// Time for acknowledgements of the last frames of others, and for answers to strangers.
constexpr std::chrono::milliseconds last_words_within{1000};
constexpr std::chrono::milliseconds flush_look_interval{20};
/// The other side's system must have taken all at this many looks in a row. Between them libzmq's
/// thread has time to write more, if there is more.
constexpr int looks_min = 5;

}  // namespace

Wire::~Wire() {
  file_ = {};  // it still listens, so the path cannot be another's yet
  try {
    hand_over();
  } catch (const std::exception&) {  // no memory: less is handed over
  }
  end_callers();
  for (const auto& source : dialed_) end_dialed(*source);
  dialed_.clear();
  listener_.reset();
  gatekeeper_.reset();
  try {
    context_.close();
  } catch (const zmq::error_t&) {
  }
}

/// Waits until the systems at the other ends have all that was sent.
void Wire::hand_over() {
  const Deadline last_words = last_words_within, linger = linger_;
  await_begun(last_words);
  const int looks = linger_ == linger_.zero() ? 1 : looks_min;
  for (int taken = 0;;) {
    if (listener_) read_monitor(*listener_);
    for (const auto& source : dialed_) read_monitor(*source);
    taken = has_handed_over(linger.expired()) ? taken + 1 : 0;
    if (taken == looks || (last_words.expired() && linger.expired())) return;
    std::this_thread::sleep_for(flush_look_interval);
  }
}

/// Waits until libzmq's thread has begun to write all that was sent so far. The thread does what it
/// is asked for one after the other. So this asks it to connect to nowhere, and waits for the event
/// that this has failed.
void Wire::await_begun(Deadline deadline) {
  std::random_device random;
  Ends mark{context_, zmq::socket_type::dealer};
  set_option(mark.socket, zmq::sockopt::linger, 0);
  connect_to(mark.socket, fmt::format("ipc://@rankwire-nobody-{:08x}{:08x}", random(), random()));
  while (!mark.monitor.next() && !deadline.expired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

/// Whether all was handed over, as far as is known here. Frames that wait for a dialed connection
/// to stand count only while `given_up` is false.
bool Wire::has_handed_over(bool given_up) const {
  for (const auto& [number, accepted] : accepted_) {
    if (accepted.file && !accepted.file->has_sent_all()) return false;
  }
  for (const auto& source : dialed_) {
    const Dialing& dialing = source->dialing;
    if (!dialing.stands) {
      if (dialing.first && !given_up) return false;
      continue;
    }
    if (dialing.file && !dialing.file->has_sent_all()) return false;
  }
  return true;
}

void Wire::end_callers() {
  for (const auto& [number, accepted] : accepted_) {
    if (accepted.file) accepted.file->end_unread();
  }
}

/// Ends a dialed connection. Nothing more comes over it, so its socket can be closed.
void Wire::end_dialed(Source& source) {
  if (source.dialing.file) source.dialing.file->end_unread();
}

}  // namespace rankwire::zmq_wire
