#include <doctest/doctest.h>
#include <netinet/in.h>

#include <thread>

#include "keys/certificate.hpp"
#include "rankwire/errors.hpp"
#include "reach/descriptor.hpp"
#include "reach/greeting.hpp"
#include "sockets/gatekeeper.hpp"
#include "sockets/monitor.hpp"
#include "text_of.hpp"

using namespace rankwire::zmq_wire;
using namespace std::chrono_literals;
using rankwire::Deadline;

namespace {

constexpr auto patience = 30s;

struct Server {
  explicit Server(bool has_keys) {
    socket.set(zmq::sockopt::linger, 0);
    if (has_keys) serve_those_who_know(socket, make_key_pair());
    socket.bind("tcp://127.0.0.1:*");
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }
  /// Whether its monitor tells of somebody whose handshake came to nothing by what was said, not by
  /// a caller that went.
  bool notices_mismatch() {
    const Deadline deadline = patience;
    while (!deadline.expired()) {
      while (const auto event = monitor.next()) {
        if (event->id == ZMQ_EVENT_DISCONNECTED) return true;
        if (event->id == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) return false;
      }
      std::this_thread::sleep_for(1ms);
    }
    return false;
  }

  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::router};
  Monitor monitor{context, socket};
  std::string endpoint;
};

}  // namespace

TEST_CASE("greeting: a port says which mechanism it wants") {
  const Server open{false}, closed{true};
  CHECK(mechanism_at(open.endpoint, "NULL", patience) == "NULL");
  CHECK(mechanism_at(closed.endpoint, "CURVE", patience) == "CURVE");
}

TEST_CASE("greeting: the port hears of a mismatch, every time") {
  for (int i = 0; i < 20; ++i) {
    Server open{false}, closed{true};
    CHECK(mechanism_at(open.endpoint, "CURVE", patience) == "NULL");
    CHECK(open.notices_mismatch());
    CHECK(mechanism_at(closed.endpoint, "NULL", patience) == "CURVE");
    CHECK(closed.notices_mismatch());
  }
}

TEST_CASE("greeting: what is no ZeroMQ, or says nothing, has no mechanism") {
  const Descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  REQUIRE(bind(listener.get(), generic, length) == 0);
  REQUIRE(getsockname(listener.get(), generic, &length) == 0);
  const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  CHECK(mechanism_at(endpoint, "CURVE", patience).empty());  // nobody listens yet
  REQUIRE(listen(listener.get(), 1) == 0);
  CHECK(mechanism_at(endpoint, "CURVE", 50ms).empty());  // nobody answers
  std::thread web{[&] {
    // Past the connection of the line above.
    ::close(accept(listener.get(), nullptr, nullptr));
    const Descriptor connection{accept(listener.get(), nullptr, nullptr)};
    const std::string answer(200, 'x');
    (void)!::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }};
  CHECK(mechanism_at(endpoint, "CURVE", patience).empty());
  web.join();
  CHECK_SAYS(text_of<rankwire::UsageError>(
                 [] { (void)mechanism_at("nonsense", "CURVE", Deadline::poll()); }),
             "nonsense");
}
