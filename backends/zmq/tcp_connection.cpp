#include "tcp_connection.hpp"

#include <linux/tcp.h>  // glibc's tcp_info does not know the bytes received and acknowledged
#include <netinet/in.h>

#include <cstring>

namespace rankwire::zmq_wire {

bool TcpConnection::Address::operator==(const Address& other) const {
  return bytes == other.bytes && std::memcmp(&address, &other.address, bytes) == 0;
}

std::optional<TcpConnection> TcpConnection::at(int descriptor) {
  TcpConnection connection;
  connection.descriptor_ = descriptor;
  Address& own = connection.own_;
  Address& peer = connection.peer_;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own.address), &own.bytes) != 0 ||
      getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer.address), &peer.bytes) != 0) {
    return std::nullopt;
  }
  return connection;
}

bool TcpConnection::is_still_there() const {
  const auto now = at(descriptor_);
  return now && now->own_ == own_ && now->peer_ == peer_;
}

std::optional<TcpConnection::Facts> TcpConnection::facts() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (!is_still_there() || getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return std::nullopt;
  }
  return Facts{info.tcpi_bytes_received, info.tcpi_bytes_acked,
               std::chrono::milliseconds{info.tcpi_last_data_recv}};
}

void TcpConnection::end() const {
  if (!is_still_there()) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  shutdown(descriptor_, SHUT_RDWR);
}

}  // namespace rankwire::zmq_wire
