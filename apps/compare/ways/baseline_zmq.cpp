#include <zmq.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <rankwire/interrupt.hpp>

#include "ways/baseline.hpp"

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
    zmq_setsockopt(socket_, ZMQ_SNDTIMEO, &patience, sizeof patience);
  }
  ~Socket() {
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  [[nodiscard]] void* get() const { return socket_; }
  void take_ipv6() {
    constexpr int yes = 1;
    zmq_setsockopt(socket_, ZMQ_IPV6, &yes, sizeof yes);
  }

 private:
  void* context_;
  void* socket_;
};

/// By which the ROUTER of rank 0 knows a worker. (One that begins with a zero is libzmq's.)
struct Name {
  char first = 'r';
  std::array<char, sizeof(std::int32_t)> rank{};

  Name() = default;
  explicit Name(std::int32_t number) { std::memcpy(rank.data(), &number, sizeof number); }
  [[nodiscard]] int number() const {
    std::int32_t value = 0;
    std::memcpy(&value, rank.data(), sizeof value);
    return value;
  }
};

/// Rank 0 has a ROUTER, whose address it tells the others over the channel; each of them has a
/// DEALER. A message is one frame, without a copy; a ROUTER's address frame comes before it.
class ZmqLink {
 public:
  ZmqLink(rankwire::Channel& world, const Place& place)
      : routes_{world.rank() == 0}, socket_{routes_ ? ZMQ_ROUTER : ZMQ_DEALER} {
    if (routes_) {
      listen(world, place);
    } else {
      dial(world, place);
    }
  }
  void make(std::size_t bytes) { payload_.make(bytes); }
  [[nodiscard]] std::span<std::byte> payload() { return payload_.bytes(); }
  void send(int to) {
    if (routes_) {
      const Name name{to};
      retry("zmq_send", [&] { return zmq_send(socket_.get(), &name, sizeof name, ZMQ_SNDMORE); });
    }
    payload_.send(socket_.get());
  }
  int receive(int) {
    Name name{0};
    if (routes_) {
      retry("zmq_recv", [&] { return zmq_recv(socket_.get(), &name, sizeof name, 0); });
    }
    payload_.receive(socket_.get());
    return name.number();
  }
  void expect(std::size_t, int, int) {}
  void burst(int) {}
  void flush() {}
  void prepare(std::size_t bytes, int count) {
    std::vector<Part> payloads(static_cast<std::size_t>(count));
    for (Part& payload : payloads) {
      payload.make(bytes);
      touch_middle(payload.bytes());
    }
  }

 private:
  void listen(rankwire::Channel& world, const Place& place) {
    const bool ipc = place.transport == "zmq-ipc";
    if (!place.one_host) socket_.take_ipv6();
    const char* const where = ipc ? "ipc://*" : place.one_host ? "tcp://127.0.0.1:*" : "tcp://*:*";
    if (zmq_bind(socket_.get(), where) != 0) fail("zmq_bind");
    std::array<char, 256> endpoint{};
    std::size_t size = endpoint.size();
    zmq_getsockopt(socket_.get(), ZMQ_LAST_ENDPOINT, endpoint.data(), &size);
    const std::string bound{endpoint.data()};
    for (int rank = 1; rank < world.size(); ++rank) {
      rankwire::send(world, rank, baseline_tag, ipc ? bound : bound.substr(bound.rfind(':')));
    }
    for (int rank = 1; rank < world.size(); ++rank) {
      const int known = receive(rankwire::any_source);  // from now on the ROUTER knows it
      if (known >= 1 && known < world.size()) continue;
      throw rankwire::TransportError{"baseline over libzmq: a stranger connected"};
    }
  }
  void dial(rankwire::Channel& world, const Place& place) {
    const auto told = rankwire::recv<std::string>(world, 0, baseline_tag);
    const bool whole = told.starts_with("ipc:");
    const std::string endpoint = whole ? told : "tcp://" + place.master_host + told;
    if (endpoint.find('[') != std::string::npos) socket_.take_ipv6();
    const Name name{world.rank()};
    zmq_setsockopt(socket_.get(), ZMQ_ROUTING_ID, &name, sizeof name);
    if (zmq_connect(socket_.get(), endpoint.c_str()) != 0) fail("zmq_connect");
    make(stamp_bytes);
    send(0);
  }

  bool routes_;
  Socket socket_;
  Part payload_;
};

}  // namespace

std::unique_ptr<Way> open_zmq_baseline(rankwire::Channel& world, const Place& place) {
  return std::make_unique<WayOver<ZmqLink>>("raw", "libzmq, DEALER to ROUTER", world, place);
}

}  // namespace comparison
