#include <zmq.h>

#include <array>
#include <cerrno>
#include <rankwire/interrupt.hpp>

#include "baseline.hpp"

namespace comparison {
namespace {

[[noreturn]] void fail(const char* call) {
  throw rankwire::TransportError{
      fmt::format("baseline over libzmq: {}: {}", call, zmq_strerror(zmq_errno()))};
}

/// Calls until it is not merely interrupted; the call's negative answer is an error.
template <class Call>
int retry(const char* name, Call&& call) {
  while (true) {
    const int answer = call();
    if (answer >= 0) return answer;
    if (zmq_errno() != EINTR) fail(name);
    rankwire::check_interrupted();
  }
}

/// A message of libzmq that is always initialized.
class Part {
 public:
  Part() { zmq_msg_init(&message_); }
  ~Part() { zmq_msg_close(&message_); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  void make(std::size_t bytes) {
    zmq_msg_close(&message_);
    if (zmq_msg_init_size(&message_, bytes) != 0) fail("zmq_msg_init_size");
  }
  void send(void* socket, int flags = 0) {
    retry("zmq_msg_send", [&] { return zmq_msg_send(&message_, socket, flags); });
  }
  void receive(void* socket) {
    retry("zmq_msg_recv", [&] { return zmq_msg_recv(&message_, socket, 0); });
  }
  void copy(Part& other) { zmq_msg_copy(&message_, &other.message_); }
  [[nodiscard]] std::span<std::byte> bytes() {
    return {static_cast<std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }

 private:
  zmq_msg_t message_;
};

/// A socket in a context of its own.
class Socket {
 public:
  explicit Socket(int type) : context_{zmq_ctx_new()}, socket_{zmq_socket(context_, type)} {
    if (socket_ == nullptr) fail("zmq_socket");
    constexpr int no_linger = 0;
    constexpr int patience =
        std::chrono::duration_cast<std::chrono::milliseconds>(baseline_patience).count();
    zmq_setsockopt(socket_, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &patience, sizeof patience);
  }
  ~Socket() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] void* get() const { return socket_; }

 private:
  void* context_;
  void* socket_;
};

/// Rank 0 has a ROUTER on a port of its own, which it tells rank 1 over the channel; rank 1 has a
/// DEALER. A message is one frame, without a copy; ROUTER's address frame comes before it.
class ZmqLink {
 public:
  explicit ZmqLink(rankwire::Channel& world)
      : routes_{world.rank() == 0}, socket_{routes_ ? ZMQ_ROUTER : ZMQ_DEALER} {
    if (routes_) {
      listen(world);
    } else {
      dial(world);
    }
  }
  void make(std::size_t bytes) { payload_.make(bytes); }
  [[nodiscard]] std::span<std::byte> payload() { return payload_.bytes(); }
  void send() {
    if (routes_) {
      Part address;
      address.copy(other_);
      address.send(socket_.get(), ZMQ_SNDMORE);
    }
    payload_.send(socket_.get());
  }
  void receive() {
    if (routes_) other_.receive(socket_.get());
    payload_.receive(socket_.get());
  }

 private:
  void listen(rankwire::Channel& world) {
    if (zmq_bind(socket_.get(), "tcp://127.0.0.1:*") != 0) fail("zmq_bind");
    std::array<char, 256> endpoint{};
    std::size_t size = endpoint.size();
    zmq_getsockopt(socket_.get(), ZMQ_LAST_ENDPOINT, endpoint.data(), &size);
    rankwire::send(world, 1, baseline_tag, std::string{endpoint.data()});
    receive();  // from now on the ROUTER knows rank 1
  }
  void dial(rankwire::Channel& world) {
    const auto endpoint = rankwire::recv<std::string>(world, 0, baseline_tag);
    if (zmq_connect(socket_.get(), endpoint.c_str()) != 0) fail("zmq_connect");
    make(Round::stamp_bytes);
    send();
  }

  bool routes_;
  Socket socket_;
  Part other_, payload_;
};

/// A rank that takes no part.
class Bystander final : public Baseline {
 public:
  using Baseline::Baseline;
  std::vector<double> lead(const Round&) override { return {}; }
  void echo() override {}
};

}  // namespace

std::unique_ptr<Baseline> open_zmq_baseline(rankwire::Channel& world) {
  const std::string name = "libzmq DEALER, ROUTER";
  const auto peers = world.info().peers;
  if (peers.at(0).host != peers.at(1).host) {
    throw rankwire::UsageError{fmt::format(
        "the baseline over libzmq talks over loopback, but rank 0 is on {} and rank 1 on {}; start "
        "both on one machine",
        peers.at(0).host, peers.at(1).host)};
  }
  if (world.rank() > 1) return std::make_unique<Bystander>(name);
  return std::make_unique<BaselineOver<ZmqLink>>(name, world);
}

}  // namespace comparison
