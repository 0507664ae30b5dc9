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

/// Lets only callers in whose public key is listed. It guards the sockets of a context that
/// serve_listed has set up. It is libzmq's ZAP handler (RFC 27).
///
/// It has a thread of its own: a worker that comes back must be let in while the program's thread
/// computes. That thread touches nothing else of the process, and takes no signals.
///
/// It fails closed. It is ready when the constructor returns, so make it before the first bind. If
/// its thread should end, nobody is let in. But without a handler in the context, libzmq lets in
/// everyone who knows the server's public key. So destroy the gatekeeper after the sockets that it
/// guards, and before their context.
class Gatekeeper {
 public:
  /// `directory` is where `allowed` was read; it appears in messages. Throws TransportError if the
  /// context has a ZAP handler already.
  Gatekeeper(zmq::context_t& context, const std::vector<PublicKey>& allowed, std::string directory);
  /// Waits for its thread, which ends at once.
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

  /// How many handshakes were refused. Any thread may call this.
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

  std::unordered_map<std::string, std::string> allowed_;  // public key -> its file
  std::string directory_;
  std::unordered_set<std::string> logged_;  // refused keys that were logged, each once; bounded
  std::atomic<std::uint64_t> refused_{0};
  // While the thread runs, only it uses the following members, except stop_.
  zmq::socket_t requests_;
  zmq::socket_t stopped_;
  zmq::socket_t stop_;
  std::thread thread_;
};

/// Makes `socket` a CURVE server that asks the gatekeeper. Call it before the bind.
void serve_listed(zmq::socket_t& socket, const KeyPair& own);

/// Makes `socket` a CURVE server for everyone who knows its public key. Only in a context without a
/// gatekeeper, which would refuse them. Call it before the bind.
void serve_those_who_know(zmq::socket_t& socket, const KeyPair& own);

/// Makes `socket` a CURVE client. It accepts only the server that has the secret key of
/// `server_public_key`. Call it before the connect.
void call_with(zmq::socket_t& socket, const KeyPair& own, const std::string& server_public_key);

}  // namespace rankwire::zmq_wire
