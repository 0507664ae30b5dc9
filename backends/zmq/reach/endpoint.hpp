#pragma once

#include <cstdint>
#include <string>

namespace rankwire {

/// The address at which a process listens or to which another connects.
struct Endpoint {
  std::string host;  ///< name, IPv4 or IPv6 address (without brackets), or "*" for every interface
  std::uint16_t port = 0;  ///< 0: any free port; only to listen
  std::string path{};      ///< absolute path of a Unix socket; host and port are then unused

  [[nodiscard]] bool is_ipc() const { return !path.empty(); }
};

/// Ports to choose from, both ends included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// The system allows 107 bytes for a socket's path. A worker listens at the path of its master plus
/// a suffix like ".w01234567", which takes ipc_suffix_bytes of them.
inline constexpr std::size_t ipc_path_bytes_max = 107;
inline constexpr std::size_t ipc_suffix_bytes = 10;

/// Reads "tcp://HOST:PORT" or "ipc:///PATH". An IPv6 address stands in brackets:
/// "tcp://[::1]:5555". A path has at most ipc_path_bytes_max bytes. Looks no name up. Throws
/// UsageError, which says what is wrong with which part.
[[nodiscard]] Endpoint parse_endpoint(const std::string& text);

/// Reads the host by which others reach this machine: a name, or an address with or without
/// brackets. Returns it in the form of Endpoint::host. Looks no name up. Throws UsageError, also
/// for an address that means every interface: others cannot connect to it.
[[nodiscard]] std::string parse_host(const std::string& text);

/// The text from which parse_endpoint reads `endpoint`.
[[nodiscard]] std::string endpoint_text(const Endpoint& endpoint);

}  // namespace rankwire
