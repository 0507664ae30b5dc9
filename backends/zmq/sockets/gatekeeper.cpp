#include "sockets/gatekeeper.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>

#include "rankwire/backend/log.hpp"
#include "rankwire/errors.hpp"
#include "sockets/calls.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
constexpr const char* zap_version = "1.0";
constexpr std::string_view zap_domain = "rankwire";
constexpr std::size_t refusals_logged_max = 20;
constexpr std::chrono::seconds wait_step{10};

/// The frames of a ZAP request, in this order.
enum Frame : std::size_t {
  version,
  request_id,
  domain,
  address,
  routing_id,
  mechanism,
  key,
  count
};

std::string_view text_of(const zmq::message_t& frame) {
  return {frame.data<char>(), frame.size()};
}

/// The address as people write it: a socket for IPv6 and IPv4 sees an IPv4 caller as
/// ::ffff:1.2.3.4.
std::string_view readable(std::string_view address) {
  constexpr std::string_view mapped = "::ffff:";
  return address.starts_with(mapped) && address.find('.') != std::string_view::npos
             ? address.substr(mapped.size())
             : address;
}

/// Reads all frames of a request. If there are too many, returns only the first ones.
std::vector<zmq::message_t> receive(zmq::socket_t& requests) {
  std::vector<zmq::message_t> frames;
  bool more = true;
  while (more) {
    zmq::message_t frame;
    if (!receive_part(requests, frame)) break;
    more = frame.more();
    if (frames.size() <= Frame::count) frames.push_back(std::move(frame));
  }
  return frames;
}

void block_signals(sigset_t& before) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
}

void serve_curve(zmq::socket_t& socket, const KeyPair& own) {
  set_option(socket, zmq::sockopt::curve_server, true);
  set_option(socket, zmq::sockopt::curve_secretkey, own.secret_key);
}

}  // namespace

Gatekeeper::Gatekeeper(zmq::context_t& context, const std::vector<PublicKey>& allowed,
                       std::string directory)
    : directory_{std::move(directory)},
      requests_{context, zmq::socket_type::rep},
      stopped_{context, zmq::socket_type::pair},
      stop_{context, zmq::socket_type::pair} {
  for (const PublicKey& entry : allowed) allowed_.emplace(entry.key, entry.file);
  try {
    for (zmq::socket_t* const socket : {&requests_, &stopped_, &stop_}) {
      set_option(*socket, zmq::sockopt::linger, 0);
    }
    static std::atomic<unsigned> counter{0};
    const std::string stop_endpoint = fmt::format("inproc://rankwire-gatekeeper-{}", counter++);
    bind_to(stopped_, stop_endpoint);
    connect_to(stop_, stop_endpoint);
    bind_to(requests_, zap_endpoint);
  } catch (const zmq::error_t& error) {
    throw TransportError{fmt::format(
        "cannot check keys: {}{}", error.what(),
        error.num() == EADDRINUSE ? "; this ZeroMQ context has a ZAP handler already" : "")};
  }
  // The program waits for signals in its own thread. None may be delivered to this one.
  sigset_t before;
  block_signals(before);
  try {
    thread_ = std::thread{[this] { serve(); }};
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Gatekeeper::~Gatekeeper() {
  try {
    send_part(stop_, zmq::message_t{}, false);
  } catch (const zmq::error_t&) {
    // The context ends; so does the thread.
  }
  thread_.join();
  try {
    unbind_from(requests_, zap_endpoint);  // close alone would free the name later
  } catch (const zmq::error_t&) {
    // The context ends.
  }
  if (logged_.size() >= refusals_logged_max) {
    log().warn("{} times somebody was refused for a key that is not in {}", refused(), directory_);
  }
}

void Gatekeeper::serve() noexcept {
  try {
    while (true) {
      std::array<zmq::pollitem_t, 2> items{
          {{requests_.handle(), 0, ZMQ_POLLIN, 0}, {stopped_.handle(), 0, ZMQ_POLLIN, 0}}};
      await_input(items, wait_step);
      if (items[1].revents != 0) return;
      if (items[0].revents != 0) answer_one();
    }
  } catch (const zmq::error_t& error) {
    if (error.num() == ETERM) return;
    log().error("cannot check keys any more, so nobody is let in: {}", error.what());
  } catch (const std::exception& error) {
    log().error("cannot check keys any more, so nobody is let in: {}", error.what());
  }
}

void Gatekeeper::answer_one() {
  const auto request = receive(requests_);
  const Answer answer = judge(request);
  const std::string id{request.size() > Frame::request_id ? text_of(request[Frame::request_id])
                                                          : std::string_view{}};
  const std::array<std::string_view, 6> reply{zap_version,    id, answer.status, answer.text,
                                              answer.user_id, {}};
  for (std::size_t i = 0; i < reply.size(); ++i) {
    send_part(requests_, reply[i], i + 1 < reply.size());
  }
}

Gatekeeper::Answer Gatekeeper::judge(const std::vector<zmq::message_t>& request) {
  if (request.size() <= Frame::mechanism || request.size() > Frame::count ||
      text_of(request[Frame::version]) != zap_version) {
    return {"500", "not a request of ZAP 1.0"};
  }
  if (text_of(request[Frame::domain]) != zap_domain) return {"400", "unknown domain"};
  if (text_of(request[Frame::mechanism]) != "CURVE") return {"400", "only CURVE is let in"};
  if (request.size() != Frame::count || request[Frame::key].size() != key_bytes) {
    return {"500", "not a CURVE key"};
  }
  const std::string text = z85_text(request[Frame::key].data<std::byte>());
  return allowed_.contains(text) ? Answer{"200", "", text} : refuse(request[Frame::address], text);
}

Gatekeeper::Answer Gatekeeper::refuse(const zmq::message_t& from, const std::string& public_key) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  // A refused caller may come again and again, and there may be many: the set is bounded.
  if (logged_.size() < refusals_logged_max && logged_.insert(public_key).second) {
    log().warn(
        "refused {}: its public key {} is not in {}; to let it in, copy its NAME.key there and "
        "restart the master{}",
        readable(text_of(from)), public_key, directory_,
        logged_.size() == refusals_logged_max ? " (more refusals are only counted)" : "");
  }
  return {"400", "this key is not listed"};
}

void serve_listed(zmq::socket_t& socket, const KeyPair& own) {
  serve_curve(socket, own);
  set_option(socket, zmq::sockopt::zap_domain, std::string{zap_domain});
#ifdef ZMQ_ZAP_ENFORCE_DOMAIN
  // Makes libzmq fail closed as well. A draft option of 4.3.
  set_option(socket, zmq::sockopt::zap_enforce_domain, true);
#endif
}

void serve_those_who_know(zmq::socket_t& socket, const KeyPair& own) {
  serve_curve(socket, own);
}

void call_with(zmq::socket_t& socket, const KeyPair& own, const std::string& server_public_key) {
  set_option(socket, zmq::sockopt::curve_serverkey, server_public_key);
  set_option(socket, zmq::sockopt::curve_publickey, own.public_key);
  set_option(socket, zmq::sockopt::curve_secretkey, own.secret_key);
}

}  // namespace rankwire::zmq_wire
