#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <rankwire/interrupt.hpp>

#include "ways/baseline.hpp"

namespace comparison {
namespace {

[[noreturn]] void fail(const char* call) {
  throw rankwire::TransportError{
      fmt::format("baseline over sockets: {}: {}", call, std::strerror(errno))};
}

/// A descriptor that is closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_{number} {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(Descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_ = -1;
};

/// Calls until all of `bytes` are through; a wait longer than the socket's patience is an error.
template <class Byte, class Call>
void move_all(const char* name, std::span<Byte> bytes, Call&& call) {
  while (!bytes.empty()) {
    const ssize_t moved = call(bytes.data(), bytes.size());
    if (moved > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(moved));
    } else if (moved == 0) {
      throw rankwire::TransportError{"baseline over sockets: the other side has closed"};
    } else if (errno == EINTR) {
      rankwire::check_interrupted();
    } else {
      fail(name);
    }
  }
}

void read_all(int socket, std::span<std::byte> bytes) {
  move_all("read", bytes, [&](void* data, std::size_t size) { return read(socket, data, size); });
}

void write_all(int socket, std::span<const std::byte> bytes) {
  move_all("write", bytes,
           [&](const void* data, std::size_t size) { return write(socket, data, size); });
}

void configure(int socket, bool tcp) {
  constexpr int yes = 1;
  const timeval patience{baseline_patience.count(), 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (tcp) setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/// Where rank 0 listens, as it tells rank 1. The secret keeps strangers out who find the port.
struct Meeting {
  std::string unix_name;  ///< an abstract one, which needs no file; empty for TCP
  std::string port;
  std::uint64_t secret = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(unix_name, port, secret);
  }
};

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address unix_address(const std::string& name) {
  Address address;
  auto& own = reinterpret_cast<sockaddr_un&>(address.storage);
  own.sun_family = AF_UNIX;
  if (name.size() > sizeof own.sun_path) throw rankwire::UsageError{"a socket's name is too long"};
  std::memcpy(own.sun_path, name.data(), name.size());
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return address;
}

/// Any free port: of every interface for other hosts, else of loopback.
Address tcp_address(bool one_host) {
  Address address;
  if (one_host) {
    auto& own = reinterpret_cast<sockaddr_in&>(address.storage);
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof own;
  } else {
    auto& own = reinterpret_cast<sockaddr_in6&>(address.storage);
    own.sin6_family = AF_INET6;  // and IPv4, by Linux's default
    own.sin6_addr = in6addr_any;
    address.size = sizeof own;
  }
  return address;
}

Descriptor open_socket(int family) {
  Descriptor opened{socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (opened.get() < 0) fail("socket");
  configure(opened.get(), family != AF_UNIX);
  return opened;
}

/// The first caller that knows the secret.
Descriptor accept_known(int listener, std::uint64_t secret, bool tcp) {
  constexpr int strangers_max = 16;
  for (int i = 0; i < strangers_max; ++i) {
    Descriptor caller{accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};  // bounded by SO_RCVTIMEO
    if (caller.get() < 0) fail("accept");
    configure(caller.get(), tcp);
    std::uint64_t said = 0;
    read_all(caller.get(), std::as_writable_bytes(std::span{&said, 1}));
    if (said == secret) return caller;
  }
  throw rankwire::TransportError{"baseline over sockets: only strangers connected"};
}

Descriptor listen_and_accept(rankwire::Channel& world, const Place& place) {
  const bool tcp = place.transport != "zmq-ipc";
  std::random_device device;
  Meeting meeting;
  meeting.secret = (std::uint64_t{device()} << 32) | device();
  if (!tcp) meeting.unix_name = std::string{'\0'} + fmt::format("rankwire-{:x}", meeting.secret);
  Address address = tcp ? tcp_address(place.one_host) : unix_address(meeting.unix_name);
  const Descriptor listener = open_socket(address.storage.ss_family);
  if (bind(listener.get(), address.get(), address.size) != 0) fail("bind");
  if (listen(listener.get(), 1) != 0) fail("listen");
  if (tcp) {
    address.size = sizeof address.storage;
    getsockname(listener.get(), address.get(), &address.size);
    // The port is at the same place in both families.
    const auto port = reinterpret_cast<const sockaddr_in&>(address.storage).sin_port;
    meeting.port = std::to_string(ntohs(port));
  }
  rankwire::send(world, 1, baseline_tag, meeting);
  return accept_known(listener.get(), meeting.secret, tcp);
}

Descriptor connect_tcp(std::string host, const std::string& port) {
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    throw rankwire::TransportError{
        fmt::format("baseline over sockets: {}: {}", host, gai_strerror(error))};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> end{found, freeaddrinfo};
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Descriptor opened = open_socket(each->ai_family);
    if (connect(opened.get(), each->ai_addr, each->ai_addrlen) == 0) return opened;
  }
  fail("connect");
}

Descriptor dial(rankwire::Channel& world, const Place& place) {
  const auto meeting = rankwire::recv<Meeting>(world, 0, baseline_tag);
  Descriptor opened;
  if (meeting.unix_name.empty()) {
    opened = connect_tcp(place.one_host ? "127.0.0.1" : place.master_host, meeting.port);
  } else {
    opened = open_socket(AF_UNIX);
    const Address address = unix_address(meeting.unix_name);
    if (connect(opened.get(), address.get(), address.size) != 0) fail("connect");
  }
  write_all(opened.get(), std::as_bytes(std::span{&meeting.secret, 1}));
  return opened;
}

/// Blocking reads and writes; both sides know the sizes.
class SocketLink {
 public:
  SocketLink(rankwire::Channel& world, const Place& place) {
    if (world.rank() == 0) socket_ = listen_and_accept(world, place);
    if (world.rank() == 1) socket_ = dial(world, place);
  }
  void make(std::size_t bytes) {
    size_ = bytes;
    if (memory_.size() < bytes) memory_.resize(bytes);
  }
  [[nodiscard]] std::span<std::byte> payload() { return {memory_.data(), size_}; }
  void send(int) { write_all(socket_.get(), payload()); }
  int receive(int from) {
    make(expected_);
    read_all(socket_.get(), payload());
    return from;
  }
  void expect(std::size_t bytes, int, int) { expected_ = bytes; }
  void burst(int) {}
  void flush() {}

 private:
  Descriptor socket_;
  std::vector<std::byte> memory_;
  std::size_t size_ = 0, expected_ = 0;
};

}  // namespace

std::unique_ptr<Way> open_socket_baseline(rankwire::Channel& world, const Place& place) {
  const bool tcp = place.transport != "zmq-ipc";
  return std::make_unique<WayOver<SocketLink>>(
      "socket", tcp ? "a TCP socket, write and read" : "a Unix socket, write and read", world,
      place);
}

}  // namespace comparison
