#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>

// TCP sockets of the addresses of loopback.

namespace support {

/// This port of this address, "127.0.0.2".
[[nodiscard]] sockaddr_in loopback(std::uint16_t port, const std::string& address = "127.0.0.1");

/// Lets the system hold little of what arrives on the socket: what it holds would pass for bytes
/// that arrived. To be called before the connection stands, or the other side was told of more
/// room.
void hold_little(int socket);

/// A socket that holds little, bound to a port of this address; 0: any. It does not block. -1 where
/// that is not possible.
[[nodiscard]] int bound_socket(const std::string& address, std::uint16_t port);

/// The port that the socket is bound to; 0 where it is none.
[[nodiscard]] std::uint16_t port_of(int socket);

/// Closes the socket where there is one, and makes it -1. By RST, where it is not to look like an
/// orderly end.
void close_socket(int& socket, bool by_reset);

}  // namespace support
