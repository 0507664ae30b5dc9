#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// What strangers do to a port of 127.0.0.1, as long as they are let: each attack goes on, over
// connections that it makes anew when they are ended, until it is told to stop.

namespace network {

/// One TCP connection; whatever it does takes half a second at most.
class Caller {
 public:
  /// stands() says whether it came to stand.
  explicit Caller(std::uint16_t port);
  ~Caller();
  Caller(Caller&& other) noexcept;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  Caller& operator=(Caller&&) = delete;

  [[nodiscard]] bool stands() const { return socket_ >= 0; }
  /// False: not all was taken.
  bool write(std::string_view bytes) const;
  /// The same, of what begins with a handshake: waits for the other side's before it says the rest.
  /// libzmq ends a connection over which more comes before, whatever it is.
  bool open_with(std::string_view bytes) const;
  /// Some of what has come; empty when nothing has, or it is over.
  std::string read() const;

 private:
  int socket_ = -1;
};

using Attack = std::function<void(std::uint16_t port, const std::atomic<bool>& stop)>;
struct NamedAttack {
  std::string name;
  Attack attack;
};

/// All of them; `recorded` is what the connection of a rank of another world said.
std::vector<NamedAttack> attacks(const std::string& recorded);

/// Attacks ports until its end.
class Attackers {
 public:
  /// What its threads take of the machine's cores.
  enum class Share {
    rest,  ///< what nobody else wants: an attacker from elsewhere takes nothing of it
    equal
  };
  Attackers(const Attack& attack, const std::vector<std::uint16_t>& ports, Share share);
  ~Attackers();
  Attackers(const Attackers&) = delete;
  Attackers& operator=(const Attackers&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

/// Listens at a port of its own, and passes one connection on to `port`; keeps what its caller
/// says.
class Recorder {
 public:
  explicit Recorder(std::uint16_t port);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Waits until the first second of it is over, and the connection with it.
  [[nodiscard]] std::string recorded();

 private:
  void serve(std::uint16_t to);
  void pass_on(int caller, int there);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string recorded_;
  std::thread thread_;
};

}  // namespace network
