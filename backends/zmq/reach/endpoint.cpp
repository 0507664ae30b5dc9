#include "reach/endpoint.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <string_view>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"

namespace rankwire {
namespace {

constexpr std::string_view scheme = "tcp://";
constexpr std::string_view ipc_scheme = "ipc://";
constexpr std::string_view of_a_host =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw UsageError{fmt::format(
      "'{}' is not an endpoint: {}; accepted is tcp://HOST:PORT, as in tcp://127.0.0.1:5555 or "
      "tcp://[::1]:5555; or ipc:///PATH, as in ipc:///tmp/job.sock, for ranks of one host",
      printable(text), printable(why))};
}

std::uint16_t parse_port(const std::string& text, std::string_view port) {
  if (port.empty()) refuse(text, "the port is missing");
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size()) {
    refuse(text, fmt::format("the port '{}' is not a number from 0 to 65535", port));
  }
  return number;
}

bool is_printable(std::string_view text) {
  return printable(text, SIZE_MAX) == text;
}

/// With or without a zone, "fe80::1%eth0".
bool is_v6(const std::string& host) {
  if (!is_printable(host)) return false;
  in6_addr address{};
  return inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) == 1;
}

/// Splits "[v6]:PORT" after the scheme.
Endpoint parse_bracketed(const std::string& text, std::string_view rest) {
  const std::size_t closing = rest.find(']');
  if (closing == std::string_view::npos) refuse(text, "the bracket before the host is not closed");
  const std::string host{rest.substr(1, closing - 1)};
  if (!is_v6(host)) {
    refuse(text, fmt::format("the host '{}' in brackets is not an IPv6 address", host));
  }
  const std::string_view after = rest.substr(closing + 1);
  if (after.empty() || after.front() != ':') refuse(text, "the port is missing");
  return {host, parse_port(text, after.substr(1))};
}

/// Absolute only: processes that meet may have started in different folders. Which leaves out
/// Linux's abstract names, "@NAME", too: they have no owner, so whoever is on the host may connect.
Endpoint parse_ipc(const std::string& text, std::string_view path) {
  if (path.empty()) refuse(text, "the path of the socket is missing");
  if (path.front() == '@') {
    refuse(text, "abstract names are open to every user of this host; name a file");
  }
  if (path.front() != '/') {
    refuse(text,
           fmt::format("the path '{}' is relative; give the whole of it, beginning with /", path));
  }
  if (path.back() == '/') refuse(text, "it names a folder; name a file in it");
  // It is said in errors, and to other ranks, who must understand it as it is.
  if (!is_printable(path)) {
    refuse(text, "the path has characters that cannot be printed, or is not UTF-8");
  }
  if (path.size() > ipc_path_bytes_max) {
    refuse(text, fmt::format("the path has {} bytes, and the system takes {} at most; name a file "
                             "in a folder with a shorter path, such as /tmp",
                             path.size(), ipc_path_bytes_max));
  }
  return {{}, 0, std::string{path}};
}

}  // namespace

Endpoint parse_endpoint(const std::string& text) {
  const std::string_view whole = text;
  if (whole.starts_with(ipc_scheme)) return parse_ipc(text, whole.substr(ipc_scheme.size()));
  if (!whole.starts_with(scheme)) {
    const std::size_t colon = whole.find("://");
    refuse(text,
           colon == std::string_view::npos
               ? std::string{"tcp:// is missing before the host"}
               : fmt::format("the scheme '{}' is neither tcp nor ipc", whole.substr(0, colon)));
  }
  const std::string_view rest = whole.substr(scheme.size());
  if (rest.starts_with('[')) return parse_bracketed(text, rest);
  const std::size_t colon = rest.find(':');
  if (colon != rest.rfind(':')) refuse(text, "it has colons; put an IPv6 address in brackets");
  const std::string_view host = rest.substr(0, colon);
  if (host.empty()) refuse(text, "the host is missing");
  if (colon == std::string_view::npos) refuse(text, "the port is missing");
  const std::string_view port = rest.substr(colon + 1);
  if (host != "*" && host.find_first_not_of(of_a_host) != std::string_view::npos) {
    refuse(text, fmt::format("the host '{}' has characters that no host name has", host));
  }
  return {std::string{host}, parse_port(text, port)};
}

std::string parse_host(const std::string& text) {
  const bool in_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  std::string host = in_brackets ? text.substr(1, text.size() - 2) : text;
  if (host == "*" || host == "0.0.0.0" || host == "::") {
    throw UsageError{
        fmt::format("'{}' means every address of this host: name one by which the others reach it",
                    printable(text))};
  }
  const bool named =
      !in_brackets && !host.empty() && host.find_first_not_of(of_a_host) == std::string::npos;
  if (named || is_v6(host)) return host;
  throw UsageError{fmt::format(
      "'{}' is not a host: a name or an address is accepted, without tcp:// and without a port",
      printable(text))};
}

std::string endpoint_text(const Endpoint& endpoint) {
  if (endpoint.is_ipc()) return fmt::format("{}{}", ipc_scheme, endpoint.path);
  const bool v6 = endpoint.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}{}:{}", scheme, v6 ? "[" : "", endpoint.host, v6 ? "]" : "",
                     endpoint.port);
}

}  // namespace rankwire
