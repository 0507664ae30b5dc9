#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <thread>

#include "../support/log_text.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "sockets/gatekeeper.hpp"
#include "sockets/monitor.hpp"
#include "text_of.hpp"
#include "zmq_world.hpp"

using namespace rankwire::zmq_wire;
using namespace std::chrono_literals;
using rankwire::Deadline;

// Who gets in, and what each side's monitor says of who does not. The sockets are libzmq's own.

namespace {

constexpr int refused_by_key = 400;

enum class Door { guarded, known, open };  // serve_listed, serve_those_who_know, no keys

struct Server {
  explicit Server(Door door, const std::vector<PublicKey>& allowed = {}) {
    socket.set(zmq::sockopt::linger, 0);
    if (door == Door::guarded) {
      gatekeeper = std::make_unique<Gatekeeper>(context, allowed, "the-folder");
      serve_listed(socket, keys);
    }
    if (door == Door::known) serve_those_who_know(socket, keys);
    socket.bind("tcp://127.0.0.1:*");
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }

  KeyPair keys = make_key_pair();
  zmq::context_t context;
  std::unique_ptr<Gatekeeper> gatekeeper;
  zmq::socket_t socket{context, zmq::socket_type::router};
  Monitor monitor{context, socket};
  std::string endpoint;
};

/// Sends one message, once it is let in.
struct Client {
  Client() {
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::reconnect_ivl, 50);
  }
  void call(const Server& server) {
    socket.connect(server.endpoint);
    socket.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait);
  }

  zmq::context_t context;
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  Monitor monitor{context, socket};
};

/// The next event that says how a handshake ended; id 0 when none has come.
Monitor::Event verdict(Monitor& monitor) {
  const Deadline deadline = 30s;
  while (!deadline.expired()) {
    while (const auto event = monitor.next()) {
      const bool other = event->id == ZMQ_EVENT_CONNECTED || event->id == ZMQ_EVENT_ACCEPTED ||
                         event->id == ZMQ_EVENT_DISCONNECTED || event->id == ZMQ_EVENT_LISTENING ||
                         event->id == ZMQ_EVENT_CONNECT_RETRIED;
      if (!other) return *event;
    }
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

/// Whether a handshake of one of the two comes to nothing. Which one tells, is a race: the first to
/// read what it does not want hangs up.
bool is_refused(Monitor& one, Monitor& other) {
  const Deadline deadline = 30s;
  while (!deadline.expired()) {
    for (Monitor* const monitor : {&one, &other}) {
      while (const auto event = monitor->next()) {
        if (event->id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return false;
        if (event->id == ZMQ_EVENT_DISCONNECTED) return true;
      }
    }
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

/// The User-Id of the message that arrives; empty when none does.
std::string user_of_message(Server& server) {
  server.socket.set(zmq::sockopt::rcvtimeo, 30'000);
  zmq::message_t id, body;
  if (!server.socket.recv(id) || !server.socket.recv(body)) return {};
  CHECK(body.to_string() == "hello");
  return body.gets("User-Id");
}

bool anything_arrived(Server& server) {
  zmq::message_t frame;
  return server.socket.recv(frame, zmq::recv_flags::dontwait).has_value();
}

/// Asks the gatekeeper of `context` by hand; the frames of its answer.
std::vector<std::string> ask(zmq::context_t& context, const std::vector<std::string>& frames) {
  zmq::socket_t socket{context, zmq::socket_type::req};
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvtimeo, 30'000);
  socket.connect("inproc://zeromq.zap.01");
  for (std::size_t i = 0; i < frames.size(); ++i) {
    socket.send(zmq::buffer(frames[i]),
                i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  std::vector<std::string> answer;
  zmq::message_t frame;
  do {
    if (!socket.recv(frame)) return {};
    answer.push_back(frame.to_string());
  } while (frame.more());
  return answer;
}

std::string status(zmq::context_t& context, const std::vector<std::string>& frames) {
  const auto answer = ask(context, frames);
  REQUIRE(answer.size() == 6);
  CHECK(answer[0] == "1.0");
  CHECK(answer[1] == (frames.size() > 1 ? frames[1] : ""));
  CHECK(answer[4].empty() == (answer[2] != "200"));
  return answer[2];
}

}  // namespace

TEST_CASE("keys: who is listed gets in, and the server knows who it is") {
  Client client;
  const KeyPair own = make_key_pair();
  Server server{Door::guarded, {{make_key_pair().public_key, "v.key"}, {own.public_key, "w.key"}}};
  call_with(client.socket, own, server.keys.public_key);
  client.call(server);
  CHECK(verdict(client.monitor).id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CHECK(verdict(server.monitor).id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  CHECK(user_of_message(server) == own.public_key);
  CHECK(server.gatekeeper->refused() == 0);
}

TEST_CASE("keys: who is not listed is refused on both sides, and the log says which key it was") {
  const support::LogText log;
  Client client;
  const KeyPair own = make_key_pair();
  Server server{Door::guarded, {{make_key_pair().public_key, "v.key"}}};
  call_with(client.socket, own, server.keys.public_key);
  client.call(server);
  const auto at_client = verdict(client.monitor);
  CHECK(at_client.id == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  CHECK(at_client.value == refused_by_key);
  const auto at_server = verdict(server.monitor);
  CHECK(at_server.id == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
  CHECK(at_server.value == refused_by_key);
  CHECK(!anything_arrived(server));
  CHECK(server.gatekeeper->refused() == 1);
  server.gatekeeper.reset();
  for (const std::string& part : {std::string{"127.0.0.1"}, own.public_key, std::string{"NAME.key"},
                                  std::string{"the-folder"}}) {
    CHECK_SAYS(log.text(), part);
  }
}

TEST_CASE("keys: without a key nobody gets in") {
  Client client;
  Server server{Door::guarded, {{make_key_pair().public_key, "v.key"}}};
  client.call(server);
  CHECK(is_refused(server.monitor, client.monitor));
  CHECK(!anything_arrived(server));
}

TEST_CASE("keys: a server with another key is not talked to") {
  Client client;
  const KeyPair own = make_key_pair();
  Server server{Door::guarded, {{own.public_key, "w.key"}}};
  call_with(client.socket, own, make_key_pair().public_key);
  client.call(server);
  CHECK(is_refused(server.monitor, client.monitor));
  CHECK(!anything_arrived(server));
}

TEST_CASE("keys: who has keys does not talk to a server without") {
  Client client;
  Server server{Door::open};
  call_with(client.socket, make_key_pair(), server.keys.public_key);
  client.call(server);
  CHECK(is_refused(server.monitor, client.monitor));
  CHECK(!anything_arrived(server));
}

TEST_CASE("keys: a server without gatekeeper lets in who knows its public key, and nobody else") {
  Server server{Door::known};
  Client ignorant;
  call_with(ignorant.socket, make_key_pair(), make_key_pair().public_key);
  ignorant.call(server);
  CHECK(is_refused(server.monitor, ignorant.monitor));
  CHECK(!anything_arrived(server));
  ignorant.socket.close();
  Client member;
  call_with(member.socket, make_key_pair(), server.keys.public_key);
  member.call(server);
  CHECK(verdict(member.monitor).id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

TEST_CASE("gatekeeper: answers what is asked, and 500 to what is no question") {
  rankwire::log().set_level(spdlog::level::off);
  zmq::context_t context;
  const KeyPair pair = make_key_pair();
  std::string key(key_bytes, '\0');
  REQUIRE(zmq_z85_decode(reinterpret_cast<std::uint8_t*>(key.data()), pair.public_key.c_str()));
  const Gatekeeper gatekeeper{context, {{pair.public_key, "w.key"}}, "d"};
  const std::vector<std::string> good{"1.0", "7", "rankwire", "1.2.3.4", "", "CURVE", key};
  const auto with = [&](std::size_t frame, const std::string& text) {
    auto changed = good;
    changed[frame] = text;
    return changed;
  };
  CHECK(status(context, good) == "200");
  CHECK(ask(context, good)[4] == pair.public_key);
  CHECK(status(context, with(6, std::string(key_bytes, 'x'))) == "400");
  CHECK(status(context, with(2, "other")) == "400");
  CHECK(status(context, with(5, "PLAIN")) == "400");
  CHECK(status(context, {"1.0", "7", "rankwire", "1.2.3.4", "", "NULL"}) == "400");
  CHECK(status(context, with(6, key + "x")) == "500");
  CHECK(status(context, with(6, "")) == "500");
  CHECK(status(context, with(0, "2.0")) == "500");
  CHECK(status(context, {""}) == "500");
  CHECK(status(context, {"1.0", "8"}) == "500");
  CHECK(status(context, {good.begin(), good.end() - 1}) == "500");
  CHECK(status(context, std::vector<std::string>(1000, "1.0")) == "500");
  CHECK(status(context, std::vector<std::string>(7, std::string(100'000, 'x'))) == "500");
  CHECK(status(context, good) == "200");
  CHECK(gatekeeper.refused() == 1);
}

TEST_CASE("gatekeeper: many refusals are logged up to a limit, then counted") {
  const support::LogText log;
  zmq::context_t context;
  constexpr int strangers = 30;
  {
    const Gatekeeper gatekeeper{context, {}, "d"};
    for (int i = 0; i < 2 * strangers; ++i) {
      const std::string key(key_bytes, static_cast<char>('a' + i % strangers));
      CHECK(status(context, {"1.0", "1", "rankwire", "1.2.3.4", "", "CURVE", key}) == "400");
    }
    CHECK(gatekeeper.refused() == 2 * strangers);
  }
  const std::string text = log.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 21);
  CHECK_SAYS(text, "only counted");
  CHECK_SAYS(text, "60 times");
}

TEST_CASE("gatekeeper: there is one in a context; it ends at once, and another may follow") {
  zmq::context_t context;
  {
    const Gatekeeper first{context, {}, "d"};
    const std::string text = text_of<rankwire::TransportError>([&] {
      const Gatekeeper second{context, {}, "d"};
    });
    CHECK_SAYS(text, "ZAP handler already");
  }
  for (int i = 0; i < 50; ++i) const Gatekeeper next{context, {}, "d"};
}

TEST_CASE("gatekeeper: a context that shuts down first ends it, too") {
  zmq::context_t context;
  const Gatekeeper gatekeeper{context, {}, "d"};
  context.shutdown();
}

TEST_CASE("gatekeeper: someone who comes back is let in while the program computes") {
  Client client;
  const KeyPair own = make_key_pair();
  Server server{Door::guarded, {{own.public_key, "w.key"}}};
  call_with(client.socket, own, server.keys.public_key);
  // Nobody looks at the server's socket in between.
  for (int i = 0; i < 3; ++i) {
    client.call(server);
    CHECK(verdict(client.monitor).id == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    client.socket.disconnect(server.endpoint);
  }
}
