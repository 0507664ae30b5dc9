#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rankwire/errors.hpp"
#include "sockets/calls.hpp"
#include "sockets/listener.hpp"
#include "sockets/wire.hpp"

// Where a Wire listens. (Who calls there: wire_callers.cpp.)

namespace rankwire::zmq_wire {
namespace {

/// The dialer may have a longer grace than the listener, so a caller may be silent for at least
/// this long: two of the longest intervals.
constexpr std::chrono::milliseconds caller_silence_least{2 * ping_interval_max_ms};
/// Many workers may be started at once. The kernel may allow fewer.
constexpr int callers_at_once = 1024;

}  // namespace

std::chrono::milliseconds Wire::caller_silence() const {
  return std::max(silence_max_, caller_silence_least) * std::max(crowd_, patience_);
}

/// libzmq gives each connection memory of its own to read into, and counters for what lies in it.
/// Without those counters a connection takes 24 instead of 28 KiB.
void Wire::expect_thousands() {
  read_without_sharing(context_);
}

std::vector<std::string> Wire::listen(const std::vector<Address>& addresses, PortRange ports,
                                      bool for_all) {
  const bool is_private = std::all_of(addresses.begin(), addresses.end(),
                                      [](const Address& address) { return address.loopback; });
  piece_bytes_ = is_private ? piece_bytes_max : piece_bytes_min;
  listen_by([&](zmq::socket_t& socket) {
    if (!for_all) set_option(socket, zmq::sockopt::handshake_ivl, workers_handshake_ms);
    bound_ = bind_all(socket, addresses, ports, for_all);
  });
  return bound_;
}

/// libzmq closes accepted connections together with the port. So they are ended first: nothing may
/// come over them then (see wire_closing.cpp).
void Wire::stop_listening() {
  end_callers();
  gate_ = {};
  file_ = {};
  for (const auto& endpoint : std::exchange(bound_, {})) {
    unbind_from(listener_->socket(), endpoint);
    wake(*listener_);
  }
}

std::string Wire::listen_as_master(const std::string& path) {
  return listen_at(SocketFile::of_master(path, callers_at_once));
}

std::string Wire::listen_as_worker_of(const std::string& master_path) {
  return listen_at(SocketFile::of_worker(master_path, callers_at_once));
}

std::string Wire::listen_at(SocketFile&& file) {
  std::string endpoint = endpoint_text({{}, 0, file.path()});
  piece_bytes_ = piece_bytes_max;
  listen_by([&](zmq::socket_t& socket) {
    set_option(socket, zmq::sockopt::use_fd, file.descriptor());
    bind_to(socket, endpoint);
    file.disown_descriptor();
  });
  file_ = std::move(file);
  bound_ = {endpoint};
  return endpoint;
}

void Wire::listen_by(const std::function<void(zmq::socket_t&)>& bind) {
  try {
    auto listener = std::make_unique<Source>();
    listener->ends = std::make_unique<Ends>(context_, zmq::socket_type::router);
    zmq::socket_t& socket = listener->socket();
    set_up(socket, frame_bytes_max(piece_bytes_));
    set_option(socket, zmq::sockopt::router_mandatory, true);
    set_option(socket, zmq::sockopt::backlog, callers_at_once);
    guard(socket);
    bind(socket);
    listener_ = std::move(listener);
    watch(*listener_);
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format("cannot listen: {}", error.what())};
  }
}

/// Sets up keys, before the port is bound. A worker's listener needs no gatekeeper: only members of
/// the world know its key, and without that key there is no handshake.
void Wire::guard(zmq::socket_t& listener) {
  if (!keys_) return;
  if (keys_->directory.empty()) {
    serve_those_who_know(listener, keys_->listener);
    return;
  }
  gatekeeper_ = std::make_unique<Gatekeeper>(context_, keys_->allowed, keys_->directory);
  serve_listed(listener, keys_->own);
}

}  // namespace rankwire::zmq_wire
