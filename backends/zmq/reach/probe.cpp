#include "reach/probe.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "reach/address.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::chrono::milliseconds connect_look_interval{10};

/// Whether the socket is connected to itself. On one host, a connection to a port on which nobody
/// listens succeeds if the kernel happens to choose that very port as its source.
bool is_connected_to_itself(int descriptor) {
  sockaddr_storage own{}, peer{};
  socklen_t own_length = sizeof own, peer_length = sizeof peer;
  return getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &own_length) == 0 &&
         getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &peer_length) == 0 &&
         own_length == peer_length && std::memcmp(&own, &peer, own_length) == 0;
}

bool is_open(Probe& probe) {
  return !probe.outcome();
}
bool is_accepted(Probe& probe) {
  return probe.outcome() == Probe::Outcome::accepted;
}

std::vector<Probe> start_all(const std::vector<std::string>& endpoints,
                             std::chrono::milliseconds limit) {
  std::vector<Probe> probes;
  for (const auto& endpoint : endpoints) probes.emplace_back(endpoint, limit);
  return probes;
}

}  // namespace

Probe::Probe(const std::string& endpoint, std::chrono::milliseconds limit, Until until,
             std::chrono::milliseconds word_limit)
    : socket_{-1}, until_{until}, limit_{limit}, word_limit_{std::max(limit, word_limit)} {
  const SocketAddress target = socket_address(parse_endpoint(endpoint));
  socket_ = Descriptor{socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const bool begun =
      socket_ && (connect(socket_.get(), target.get(), target.length) == 0 || errno == EINPROGRESS);
  if (!begun) decide(errno);
}

std::optional<Probe::Outcome> Probe::outcome() {
  if (!outcome_ && !stands_) look_for_connection();
  if (!outcome_ && stands_) look_for_word();
  if (!outcome_ && (stands_ ? word_limit_ : limit_).expired()) {
    if (stands_) {
      decide(Outcome::mute, "accepted, and no word");
    } else {
      decide(ETIMEDOUT);
    }
  }
  return outcome_;
}

void Probe::look_for_connection() {
  pollfd waiting{socket_.get(), POLLOUT, 0};
  if (poll(&waiting, 1, 0) <= 0) return;
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error == 0 && is_connected_to_itself(socket_.get())) error = ECONNREFUSED;
  stands_ = error == 0;
  if (!stands_ || until_ == Until::accepted) decide(error);
}

void Probe::look_for_word() {
  char byte = 0;
  const ssize_t size = recv(socket_.get(), &byte, 1, MSG_DONTWAIT);
  if (size > 0) {
    decide(Outcome::spoke, "spoke");
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    decide(Outcome::mute, "accepted, and closed without a word");
  }
}

void Probe::decide(int error) {
  // A reset comes from a process that has accepted, and ended since. ENOENT is for a Unix socket.
  const bool ended = error == ECONNRESET;
  const Outcome outcome = error == 0 || ended
                              ? (until_ == Until::accepted ? Outcome::accepted : Outcome::mute)
                          : error == ECONNREFUSED || error == ENOENT ? Outcome::refused
                                                                     : Outcome::silent;
  decide(outcome, error == 0           ? "accepted"
                  : error == ETIMEDOUT ? "no answer"
                                       : std::strerror(error));
}

void Probe::decide(Outcome outcome, std::string text) {
  outcome_ = outcome;
  text_ = std::move(text);
  socket_.reset();
}

std::vector<Probe> probe_all(const std::vector<std::string>& endpoints,
                             std::chrono::milliseconds limit) {
  auto probes = start_all(endpoints, limit);
  while (std::any_of(probes.begin(), probes.end(), is_open))
    std::this_thread::sleep_for(connect_look_interval);
  return probes;
}

std::string dialable(const std::string& endpoint) {
  const Endpoint parsed = parse_endpoint(endpoint);
  if (parsed.is_ipc()) return endpoint;
  std::vector<std::string> numeric;
  for (const auto& address : resolve(parsed.host)) {
    numeric.push_back(address.endpoint(fmt::format("{}", parsed.port)));
  }
  if (numeric.size() == 1) return numeric.front();
  auto probes = start_all(numeric, probe_limit);
  while (true) {
    const auto accepted = std::find_if(probes.begin(), probes.end(), is_accepted);
    if (accepted != probes.end())
      return numeric[static_cast<std::size_t>(accepted - probes.begin())];
    if (std::none_of(probes.begin(), probes.end(), is_open)) return numeric.front();
    std::this_thread::sleep_for(connect_look_interval);
  }
}

}  // namespace rankwire::zmq_wire
