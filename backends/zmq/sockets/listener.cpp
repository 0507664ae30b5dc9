#include "sockets/listener.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <optional>
#include <random>

#include "rankwire/errors.hpp"
#include "sockets/calls.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::size_t any_port_attempts_max = 20;

std::vector<std::uint16_t> ports_to_try(PortRange range, std::size_t addresses) {
  if (range.first == 0) {
    return std::vector<std::uint16_t>(addresses > 1 ? any_port_attempts_max : 1, 0);
  }
  const auto count = static_cast<unsigned>(range.last - range.first) + 1;
  // A random first port, so that processes that start together do not all try the same ports.
  const unsigned offset = std::random_device{}() % count;
  std::vector<std::uint16_t> ports;
  for (unsigned i = 0; i < count; ++i) {
    ports.push_back(static_cast<std::uint16_t>(range.first + (offset + i) % count));
  }
  return ports;
}

/// Returns the endpoint that was bound, or nothing if it is taken.
std::optional<std::string> bind_one(zmq::socket_t& socket, const Address& address,
                                    std::uint16_t port) {
  const std::string endpoint =
      address.endpoint(port == 0 ? std::string{"*"} : fmt::format("{}", port));
  try {
    set_option(socket, zmq::sockopt::ipv6,
               address.v6);  // applies to listeners that are bound from now on
    bind_to(socket, endpoint);
    return option_of(socket, zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    if (error.num() == EADDRINUSE) return std::nullopt;
    throw UsageError{fmt::format("cannot listen on {}: {}{}", endpoint, error.what(),
                                 error.num() == EADDRNOTAVAIL
                                     ? "; it is not an address of this machine"
                                 : error.num() == EACCES ? "; choose a port above 1023"
                                                         : "")};
  }
}

/// Returns nothing if the port is taken at one of the addresses. None is then bound.
std::vector<std::string> bind_at(zmq::socket_t& socket, const std::vector<Address>& addresses,
                                 std::uint16_t port) {
  std::vector<std::string> bound;
  for (const auto& address : addresses) {
    const auto endpoint = bind_one(socket, address, port);
    if (!endpoint) {
      for (const auto& taken_back : bound) unbind_from(socket, taken_back);
      return {};
    }
    port = port_of(*endpoint);
    bound.push_back(*endpoint);
  }
  return bound;
}

[[noreturn]] void throw_taken(const std::vector<Address>& addresses, PortRange ports,
                              bool is_master) {
  const bool any = ports.first == 0, one = ports.first == ports.last && !any;
  std::vector<std::string> texts;
  for (const auto& address : addresses) {
    texts.push_back(one && is_master ? address.endpoint(fmt::format("{}", ports.first))
                                     : address.number);
  }
  const std::string where = fmt::format("{}", fmt::join(texts, ", "));
  if (one && is_master) {
    throw UsageError{fmt::format(
        "cannot listen on {}: Address already in use; is another master running? choose another "
        "port",
        where)};
  }
  if (any) {
    throw UsageError{fmt::format("cannot listen on {}: no port was free at all of them", where)};
  }
  throw UsageError{fmt::format(
      "cannot listen on {}: {} of --port-range {}:{} {} in use; give a wider one", where,
      one ? "the only port" : "all ports", ports.first, ports.last, one ? "is" : "are")};
}

}  // namespace

std::vector<std::string> bind_all(zmq::socket_t& socket, const std::vector<Address>& addresses,
                                  PortRange ports, bool is_master) {
  for (const std::uint16_t port : ports_to_try(ports, addresses.size())) {
    auto bound = bind_at(socket, addresses, port);
    if (!bound.empty()) return bound;
  }
  throw_taken(addresses, ports, is_master);
}

}  // namespace rankwire::zmq_wire
