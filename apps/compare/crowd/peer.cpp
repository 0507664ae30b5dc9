#include "crowd/peer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace comparison {
namespace {

constexpr std::size_t greeting_bytes = 64;
enum : unsigned char { more_flag = 1, long_flag = 2, command_flag = 4 };

std::string text(const char* characters, std::size_t size) {
  return {characters, size};
}

/// Version 3.1, mechanism NULL, a client.
std::string greeting() {
  std::string all = text("\xff\0\0\0\0\0\0\0\0\x7f\x03\x01NULL", 16);
  all.resize(greeting_bytes, '\0');
  return all;
}

std::string ready() {
  return text(
      "\x05READY\x0bSocket-Type\0\0\0\x06"
      "DEALER\x08Identity\0\0\0\0",
      41);
}

std::string frame(unsigned char flags, std::span<const std::byte> body) {
  const bool is_long = body.size() > 255;
  std::string all{static_cast<char>(flags | (is_long ? long_flag : 0))};
  for (int shift = is_long ? 56 : 0; shift >= 0; shift -= 8) {
    all += static_cast<char>(body.size() >> shift);
  }
  return all.append(reinterpret_cast<const char*>(body.data()), body.size());
}

std::string command(const std::string& body) {
  return frame(command_flag, std::as_bytes(std::span{body}));
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

Peer::~Peer() {
  close();
}

void Peer::close() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  in_.clear();
  out_.clear();
  later_.clear();
  greeted_ = ready_ = skips_ = false;
}

void Peer::connect(std::uint16_t port) {
  close();
  file_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (file_ < 0) throw std::system_error{errno, std::generic_category(), "socket"};
  const int on = 1;
  setsockopt(file_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(port);
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)::connect(file_, reinterpret_cast<const sockaddr*>(&there), sizeof there);
  out_ = greeting() + command(ready());
}

void Peer::send(std::span<const std::byte> part) {
  (ready_ ? out_ : later_) += frame(0, part);
  if (ready_) write();
}

void Peer::ping() {
  if (!ready_) return;
  out_ += command(text("\x04PING\0\0", 7));
  write();
}

bool Peer::go_on(const Frame& take) {
  if (file_ < 0) return false;
  write();
  const bool stands = read();
  parse(take);
  if (!out_.empty()) write();
  if (!stands) close();
  return stands;
}

void Peer::write() {
  const ssize_t size = ::send(file_, out_.data(), out_.size(), MSG_NOSIGNAL);
  if (size > 0) out_.erase(0, static_cast<std::size_t>(size));
}

bool Peer::read() {
  std::array<char, 4096> bytes{};
  while (true) {
    const ssize_t size = ::recv(file_, bytes.data(), bytes.size(), 0);
    if (size == 0) return false;
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    in_.append(bytes.data(), static_cast<std::size_t>(size));
    if (static_cast<std::size_t>(size) < bytes.size()) return true;
  }
}

void Peer::parse(const Frame& take) {
  std::string_view rest = in_;
  if (!greeted_) {
    if (rest.size() < greeting_bytes) return;
    rest.remove_prefix(greeting_bytes);
    greeted_ = true;
  }
  while (rest.size() >= 2) {
    const auto flags = static_cast<unsigned char>(rest[0]);
    const std::size_t head = (flags & long_flag) != 0 ? 9 : 2;
    if (rest.size() < head) break;
    const std::uint64_t bytes = number(rest.substr(1, head - 1));
    if (rest.size() - head < bytes) break;
    const std::string_view body = rest.substr(head, bytes);
    rest.remove_prefix(head + bytes);
    if ((flags & command_flag) != 0) {
      if (!std::exchange(ready_, true)) out_ += std::exchange(later_, {});
      continue;
    }
    const bool is_first = !std::exchange(skips_, (flags & more_flag) != 0);
    if (is_first) take(std::as_bytes(std::span{body}));
    if (file_ < 0) return;
  }
  in_.erase(0, in_.size() - rest.size());
}

}  // namespace comparison
