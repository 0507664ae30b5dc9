#pragma once

#include <cstdint>
#include <string>

namespace rankwire {

/// Where a process listens, or another connects to.
struct Endpoint {
  std::string host;  ///< name, IPv4 or IPv6 address (without brackets), or "*" for every interface
  std::uint16_t port = 0;  ///< 0: any free one, for those who listen
  std::string path{};      ///< of a Unix socket, absolute; then there are no host and port

  [[nodiscard]] bool is_ipc() const { return !path.empty(); }
};

/// Ports to choose from, both ends included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// A socket's path has 107 bytes at most, and workers listen beside their master: its path and
/// ".w01234567".
inline constexpr std::size_t ipc_path_bytes_max = 107;
inline constexpr std::size_t ipc_suffix_bytes = 10;

/// Reads "tcp://HOST:PORT", where an IPv6 address stands in brackets, "tcp://[::1]:5555"; or
/// "ipc:///PATH", at most ipc_path_bytes_max. Looks nothing up. Throws UsageError, which says what
/// is wrong with which part.
[[nodiscard]] Endpoint parse_endpoint(const std::string& text);

/// Reads a host by which others reach this machine: a name, or an address with or without brackets.
/// Returns it as Endpoint::host has it. Looks nothing up. Throws UsageError, also for an address
/// that means every interface: one can listen there and not connect to it.
[[nodiscard]] std::string parse_host(const std::string& text);

/// The text that parse_endpoint reads.
[[nodiscard]] std::string endpoint_text(const Endpoint& endpoint);

}  // namespace rankwire
