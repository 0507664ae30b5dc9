#include "attacks.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

#include "rankwire/typed.hpp"

namespace network {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int callers_a_port = 2;

sockaddr_in address_of(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string random_text(std::size_t size) {
  static thread_local std::mt19937 random{std::random_device{}()};
  std::string text(size, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

/// What a DEALER of ZMTP 3.0 of that name says first: greeting, mechanism NULL, READY.
std::string handshake_as(const std::string& name) {
  std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL", 16);
  greeting.resize(64, '\0');
  const auto property = [](const std::string& key, const std::string& value) {
    return static_cast<char>(key.size()) + key + std::string(3, '\0') +
           static_cast<char>(value.size()) + value;
  };
  const std::string ready =
      "\x05READY" + property("Socket-Type", "DEALER") + property("Identity", name);
  return greeting + '\x04' + static_cast<char>(ready.size()) + ready;
}

std::string handshake() {
  return handshake_as("\x01" + random_text(15));
}

/// A frame of ZMTP of up to 255 bytes, the last of its message.
std::string frame(const std::string& body) {
  return '\0' + std::string(1, static_cast<char>(body.size())) + body;
}

/// The header of rankwire's protocol (docs/wire-protocol.md), and a body.
std::string record(std::uint8_t kind, std::uint32_t tag, const rankwire::Buffer& body) {
  return frame("RW" + std::string(1, static_cast<char>(kind)) + '\0' + little_endian(tag, 4) +
               little_endian(body.size(), 8) + little_endian(0, 8) + std::string{body.text()});
}

struct Hello {
  std::string job = "others", host = "\x1b[31mevil\nhost";
  std::int32_t pid = 1, wanted_rank = -1, ranks = 0;
  std::uint64_t nonce = 0;
  std::string endpoint = "tcp://127.0.0.1:9", key;
  std::uint64_t piece_bytes = 1 << 20;
  std::uint32_t call = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(job, host, pid, wanted_rank, ranks, nonce, endpoint, key, piece_bytes, call);
  }
};

std::string hello(std::uint32_t version) {
  Hello said;
  std::memcpy(&said.nonce, random_text(sizeof said.nonce).data(), sizeof said.nonce);
  return record(1, version, rankwire::encode(said));
}

struct Link {
  std::array<std::uint64_t, 2> token{};
  std::int32_t rank = 1;
  std::uint32_t incarnation = 0;
  std::int32_t to_rank = 0;
  std::uint32_t to_incarnation = 0, call = 1;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(token, rank, incarnation, to_rank, to_incarnation, call);
  }
};

std::string forged_link() {
  Link said;
  std::memcpy(said.token.data(), random_text(sizeof said.token).data(), sizeof said.token);
  return record(5, 0, rankwire::encode(said));
}

/// A connection to `port`, once somebody listens there.
int dialed(std::uint16_t port) {
  constexpr int attempts_max = 1000;
  const auto address = address_of(port);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    if (connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) break;
    std::this_thread::sleep_for(10ms);
  }
  return socket;
}

/// Says `first` and then `more` again and again, over one connection after the other.
Attack flood(const std::function<std::string()>& first, const std::string& more) {
  return [=](std::uint16_t port, const std::atomic<bool>& stop) {
    while (!stop) {
      const Caller caller{port};
      if (!caller.open_with(first())) continue;
      while (!stop && caller.write(more)) {
      }
    }
  };
}

/// Says something behind a handshake over one connection after the other, and reads what comes if
/// `reads`.
Attack call_again(const std::function<std::string()>& said, bool reads) {
  return [=](std::uint16_t port, const std::atomic<bool>& stop) {
    while (!stop) {
      const Caller caller{port};
      if (caller.open_with(said()) && reads) (void)caller.read();
    }
  };
}

/// What is no ZeroMQ, over one connection after the other.
void say_rubbish(std::uint16_t port, const std::atomic<bool>& stop) {
  while (!stop) {
    const Caller caller{port};
    if (caller.write(random_text(1000))) (void)caller.read();
  }
}

/// Two connections under one name, both of which speak: the second takes the first one's place.
void call_twice(std::uint16_t port, const std::atomic<bool>& stop) {
  constexpr std::uint8_t ack = 6;
  const std::string word = record(ack, 0, rankwire::Buffer{});
  while (!stop) {
    const std::string hello = handshake_as("\x01" + random_text(15)) + word;
    const Caller first{port};
    if (!first.open_with(hello)) continue;
    std::this_thread::sleep_for(2ms);
    const Caller second{port};
    (void)second.open_with(hello);
    std::this_thread::sleep_for(2ms);
    (void)first.write(repeated(word, 20));
  }
}

/// Says something over many connections, and leaves them as they are for some seconds.
Attack stay(const std::function<std::string()>& said, std::size_t connections) {
  return [=](std::uint16_t port, const std::atomic<bool>& stop) {
    while (!stop) {
      std::vector<Caller> callers;
      while (!stop && callers.size() < connections) {
        callers.emplace_back(port);
        if (const auto words = said(); !words.empty() && !callers.back().open_with(words)) {
          callers.pop_back();
        }
      }
      const auto end = Clock::now() + 3s;
      while (!stop && Clock::now() < end) std::this_thread::sleep_for(20ms);
    }
  };
}

}  // namespace

Caller::Caller(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  const timeval limit{.tv_sec = 0, .tv_usec = 500'000};
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);  // of connect(), too
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto address = address_of(port);
  if (socket_ < 0 ||
      connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return;
  }
  ::close(std::exchange(socket_, -1));
  std::this_thread::sleep_for(1ms);
}

Caller::~Caller() {
  if (socket_ >= 0) ::close(socket_);
}

Caller::Caller(Caller&& other) noexcept : socket_{std::exchange(other.socket_, -1)} {}

bool Caller::write(std::string_view bytes) const {
  while (stands() && !bytes.empty()) {
    const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return stands();
}

bool Caller::open_with(std::string_view bytes) const {
  constexpr std::size_t greeting_bytes = 64, head_bytes = 2;
  const auto handshake_in = [](std::string_view said) {
    constexpr std::size_t least = greeting_bytes + head_bytes;
    return said.size() < least ? least : least + static_cast<unsigned char>(said[least - 1]);
  };
  const std::size_t own = std::min(bytes.size(), handshake_in(bytes));
  if (!write(bytes.substr(0, own))) return false;
  std::string theirs;
  while (theirs.size() < handshake_in(theirs)) {
    const std::string some = read();
    if (some.empty()) return false;
    theirs += some;
  }
  return write(bytes.substr(own));
}

std::string Caller::read() const {
  std::string text(4096, '\0');
  const ssize_t size = stands() ? ::recv(socket_, text.data(), text.size(), 0) : 0;
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

std::vector<NamedAttack> attacks(const std::string& recorded) {
  constexpr std::uint32_t version = 5, other_version = 77;
  const std::string tiny("\0\0", 2), more("\x01\x01x", 3);
  const auto nothing = [] { return std::string{}; };
  const auto half = [] { return handshake() + '\x02' + std::string("\0\0\0\0\0\x0f\0\0half", 12); };
  return {
      {"tiny frames", flood(handshake, repeated(tiny, 50'000))},
      {"tiny frames over ever new connections",
       call_again([=] { return handshake() + repeated(tiny, 100'000); }, false)},
      {"messages without an end", flood(handshake, repeated(more, 50'000))},
      {"half a frame, over many connections", stay(half, 300)},
      {"hellos, whose answers are not read", flood(handshake, repeated(hello(other_version), 500))},
      {"connections that say nothing", stay(nothing, 1500)},
      {"forged links", call_again(
                           [] {
                             std::string said = handshake();
                             for (int i = 0; i < 8; ++i) said += forged_link();
                             return said;
                           },
                           true)},
      {"hellos of another version", call_again([] { return handshake() + hello(77); }, true)},
      {"hellos that are refused", call_again([] { return handshake() + hello(version); }, true)},
      {"what a rank of another world said", call_again([=] { return recorded; }, true)},
      {"two calls under one name", call_twice},
      {"no ZeroMQ", say_rubbish},
  };
}

Attackers::Attackers(const Attack& attack, const std::vector<std::uint16_t>& ports, Share share) {
  for (const std::uint16_t port : ports) {
    for (int i = 0; i < callers_a_port; ++i) {
      threads_.emplace_back([this, attack, port, share] {
        constexpr int nice = 19;
        const auto thread = static_cast<id_t>(syscall(SYS_gettid));
        if (share == Share::rest) setpriority(PRIO_PROCESS, thread, nice);
        attack(port, stop_);
      });
    }
  }
}

Attackers::~Attackers() {
  stop_ = true;
  for (auto& thread : threads_) thread.join();
}

Recorder::Recorder(std::uint16_t port)
    : listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
  auto address = address_of(0);
  auto* const bound = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  if (bind(listener_, bound, length) != 0 || listen(listener_, 1) != 0 ||
      getsockname(listener_, bound, &length) != 0) {
    throw std::runtime_error{"the recorder cannot listen"};
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this, port] { serve(port); }};
}

Recorder::~Recorder() {
  if (thread_.joinable()) thread_.join();
  ::close(listener_);
}

std::string Recorder::recorded() {
  thread_.join();
  return recorded_;
}

/// Whoever only looks whether somebody listens says nothing, and the next one is waited for.
void Recorder::serve(std::uint16_t to) {
  constexpr int patience_ms = 30'000;
  pollfd waiting{listener_, POLLIN, 0};
  while (recorded_.empty() && ::poll(&waiting, 1, patience_ms) > 0) {
    const int caller = accept(listener_, nullptr, nullptr);
    const int there = dialed(to);
    pass_on(caller, there);
    ::close(caller);
    ::close(there);
  }
}

void Recorder::pass_on(int caller, int there) {
  constexpr std::size_t handshake_bytes = 64;
  constexpr int look_each_ms = 100;
  constexpr std::chrono::milliseconds silence_max{10'000}, time{1500};
  std::array<pollfd, 2> ends{{{caller, POLLIN, 0}, {there, POLLIN, 0}}};
  std::array<char, 4096> bytes{};
  auto end = Clock::now() + silence_max;
  while (Clock::now() < end && ::poll(ends.data(), ends.size(), look_each_ms) >= 0) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (ends[i].revents == 0) continue;
      const ssize_t size = ::recv(ends[i].fd, bytes.data(), bytes.size(), 0);
      if (size <= 0) return;
      const std::string_view came{bytes.data(), static_cast<std::size_t>(size)};
      if (i == 0) recorded_ += came;
      if (i == 0 && recorded_.size() <= handshake_bytes) end = Clock::now() + time;
      if (::send(ends[1 - i].fd, came.data(), came.size(), MSG_NOSIGNAL) != size) return;
    }
  }
}

}  // namespace network
