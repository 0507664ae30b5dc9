#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>
#include <zmq.hpp>

#include "keys/certificate.hpp"

namespace rankwire::zmq_wire {

/// Says who may come in at the sockets of a context that were set up by serve_listed: those whose
/// public key is listed. It is libzmq's ZAP handler (RFC 27).
///
/// It has a thread of its own, since a worker that comes back must be let in while the program's
/// thread computes. That thread touches nothing else of the process, and takes no signals.
///
/// It fails closed: it stands when the constructor returns, so make it before the first bind; and
/// if its thread should ever end, nobody is let in. libzmq itself lets everyone in who knows the
/// server's public key while there is no handler in the context. So the gatekeeper must be
/// destroyed after the sockets it guards, and before their context.
class Gatekeeper {
 public:
  /// `directory` is where `allowed` was read, for messages. Throws TransportError when the context
  /// has a ZAP handler already.
  Gatekeeper(zmq::context_t& context, const std::vector<PublicKey>& allowed, std::string directory);
  /// Waits for its thread, which ends at once.
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

  /// How many handshakes were refused. From any thread.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  struct Answer {
    const char* status = "";
    const char* text = "";
    std::string user_id{};
  };

  void serve() noexcept;
  void answer_one();
  [[nodiscard]] Answer judge(const std::vector<zmq::message_t>& request);
  [[nodiscard]] Answer refuse(const zmq::message_t& address, const std::string& key);

  std::unordered_map<std::string, std::string> allowed_;  // public key, file
  std::string directory_;
  std::unordered_set<std::string> logged_;  // refused keys, each said once; bounded
  std::atomic<std::uint64_t> refused_{0};
  // What follows is the thread's while it runs, but for stop_.
  zmq::socket_t requests_;
  zmq::socket_t stopped_;
  zmq::socket_t stop_;
  std::thread thread_;
};

/// Makes `socket` the server's end of CURVE, with a gatekeeper at the door. Before the bind.
void serve_listed(zmq::socket_t& socket, const KeyPair& own);

/// Makes `socket` the server's end of CURVE for everyone who knows its public key. Only in a
/// context without a gatekeeper, which would refuse them. Before the bind.
void serve_those_who_know(zmq::socket_t& socket, const KeyPair& own);

/// Makes `socket` the client's end of CURVE, for the server that has the secret key of
/// `server_public_key` and no other. Before the connect.
void call_with(zmq::socket_t& socket, const KeyPair& own, const std::string& server_public_key);

}  // namespace rankwire::zmq_wire
