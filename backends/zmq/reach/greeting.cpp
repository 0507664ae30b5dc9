#include "reach/greeting.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "reach/address.hpp"
#include "reach/descriptor.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {
namespace {

// A greeting of ZMTP 3 (RFC 37): signature, version, mechanism, as-server, filler.
constexpr std::size_t greeting_bytes = 64;
constexpr std::size_t up_to_version_bytes = 12;
constexpr std::size_t mechanism_at_byte = 12;
constexpr std::size_t mechanism_bytes = 20;
constexpr std::size_t major_at_byte = 10;

using Greeting = std::array<std::uint8_t, greeting_bytes>;

Greeting greeting_of(const std::string& mechanism) {
  Greeting greeting{0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1};
  std::memcpy(greeting.data() + mechanism_at_byte, mechanism.data(),
              std::min(mechanism.size(), mechanism_bytes));
  return greeting;
}

bool await(const Descriptor& socket, short events, const Deadline& deadline) {
  pollfd waiting{socket.get(), events, 0};
  while (!deadline.expired()) {
    constexpr std::chrono::milliseconds most{100};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline.remaining());
    if (poll(&waiting, 1, static_cast<int>(std::min(left, most).count())) > 0) return true;
  }
  return false;
}

/// Sends without waiting: the send buffer of a new connection has room for these few bytes.
bool send_all(const Descriptor& socket, std::span<const std::uint8_t> bytes) {
  return ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(bytes.size());
}

/// Fills `bytes`. False if the connection ends or the deadline comes before.
bool receive_all(const Descriptor& socket, std::span<std::uint8_t> bytes,
                 const Deadline& deadline) {
  while (!bytes.empty()) {
    if (!await(socket, POLLIN, deadline)) return false;
    const ssize_t got = ::recv(socket.get(), bytes.data(), bytes.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

bool connect_to(const Descriptor& socket, const SocketAddress& target, const Deadline& deadline) {
  if (::connect(socket.get(), target.get(), target.length) == 0) return true;
  if (errno != EINPROGRESS || !await(socket, POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error == 0;
}

}  // namespace

std::string mechanism_at(const std::string& endpoint, const std::string& own, Deadline deadline) {
  const SocketAddress target = socket_address(parse_endpoint(endpoint));
  const Descriptor socket{::socket(target.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket || !connect_to(socket, target, deadline)) return {};
  // libzmq sends its mechanism after it has seen our version, and may hang up after it has seen our
  // mechanism. So our mechanism goes last.
  const Greeting ours = greeting_of(own);
  Greeting theirs{};
  const std::span<const std::uint8_t> whole{ours};
  if (!send_all(socket, whole.first(up_to_version_bytes)) ||
      !receive_all(socket, theirs, deadline) || theirs[0] != 0xff || theirs[major_at_byte] != 3) {
    return {};
  }
  const std::string_view field{reinterpret_cast<const char*>(theirs.data()) + mechanism_at_byte,
                               mechanism_bytes};
  std::string mechanism{field.substr(0, std::min(field.find('\0'), field.size()))};
  if (mechanism == own || !send_all(socket, whole.subspan(up_to_version_bytes))) return mechanism;
  std::array<std::uint8_t, 1> more{};
  (void)receive_all(socket, more, deadline);
  return mechanism;
}

}  // namespace rankwire::zmq_wire
