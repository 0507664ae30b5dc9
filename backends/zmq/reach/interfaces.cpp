#include "reach/interfaces.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"

namespace rankwire::zmq_wire {
namespace {

struct FreeInterfaces {
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

Interface& named(std::vector<Interface>& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const Interface& entry) { return entry.name == name; });
  if (found != list.end()) return *found;
  return list.emplace_back(Interface{name, {}});
}

bool has_ipv6() {
  return is_of_this_machine(Address{.number = "::", .v6 = true});
}

std::vector<Address> without_link_local(std::vector<Address> addresses) {
  const auto wanted = [](const Address& address) { return !address.link_local; };
  if (std::any_of(addresses.begin(), addresses.end(), wanted)) {
    std::erase_if(addresses, [](const Address& address) { return address.link_local; });
  }
  return addresses;
}

std::string list_of(const std::vector<Interface>& list) {
  std::vector<std::string> texts;
  for (const auto& entry : list) {
    std::vector<std::string> numbers;
    for (const auto& address : entry.addresses) numbers.push_back(address.number);
    texts.push_back(fmt::format("{} ({})", entry.name, fmt::join(numbers, ", ")));
  }
  return texts.empty() ? "none that is up" : fmt::format("{}", fmt::join(texts, ", "));
}

std::vector<Address> own_addresses_of(const std::string& host, const std::vector<Interface>& all) {
  std::vector<Address> addresses;
  std::string what;
  try {
    addresses = resolve(host);
  } catch (const UsageError& error) {
    throw UsageError{fmt::format(
        "cannot listen on '{}': it is no interface of this machine, and {}; its interfaces: {}",
        host, error.what(), list_of(all))};
  }
  if (addresses.size() == 1 && addresses.front().number == host) return addresses;
  const std::string first = addresses.front().number;
  std::erase_if(addresses, [](const Address& address) { return !is_of_this_machine(address); });
  if (addresses.empty()) {
    throw UsageError{fmt::format(
        "cannot listen on '{}': it is the name of {}, which is not this machine; its interfaces: "
        "{}",
        host, first, list_of(all))};
  }
  return addresses;
}

/// The address from which this machine would talk to the world. Sends nothing.
std::string address_to_the_world(const Address& somewhere) {
  try {
    return local_address_towards(somewhere, 1).number;
  } catch (const TransportError&) {
    return {};
  }
}

/// The addresses that are valid on other machines, the best first.
std::vector<Address> addresses_for_others(bool v6_too) {
  std::vector<Address> v4, v6;
  for (const auto& entry : interfaces()) {
    for (const auto& address : entry.addresses) {
      if (!address.loopback && !address.link_local) (address.v6 ? v6 : v4).push_back(address);
    }
  }
  const auto first = [](std::vector<Address>& list, const std::string& number) {
    std::stable_partition(list.begin(), list.end(),
                          [&](const Address& address) { return address.number == number; });
  };
  // These addresses are reserved for documentation. No host has them, so the default route leads
  // there.
  first(v4, address_to_the_world({.number = "192.0.2.1"}));
  first(v6, address_to_the_world({.number = "2001:db8::1", .v6 = true}));
  if (v6_too) v4.insert(v4.end(), v6.begin(), v6.end());
  return v4;
}

/// This machine's name, if it can stand in an endpoint and may be known elsewhere.
std::vector<std::string> name_for_others(std::uint16_t port) {
  const std::string name = host_name();
  if (name == "localhost") return {};
  const std::string endpoint = endpoint_text({name, port});
  try {
    (void)parse_endpoint(endpoint);
    return {endpoint};
  } catch (const UsageError&) {
    return {};
  }
}

}  // namespace

std::vector<Interface> interfaces() {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0) {
    throw TransportError{
        fmt::format("the interfaces of this machine cannot be listed: {}", std::strerror(errno))};
  }
  const std::unique_ptr<ifaddrs, FreeInterfaces> list{raw};
  std::vector<Interface> found;
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    named(found, entry->ifa_name).addresses.push_back(address_of(*entry->ifa_addr, length));
  }
  for (auto& entry : found) {
    std::stable_partition(entry.addresses.begin(), entry.addresses.end(),
                          [](const Address& address) { return !address.v6; });
  }
  return found;
}

std::vector<Address> listening_addresses(const std::string& host) {
  if (host == "*") {
    if (has_ipv6()) return {{.number = "::", .v6 = true, .any = true}};
    return {{.number = "0.0.0.0", .any = true}};
  }
  const auto all = interfaces();
  for (const auto& entry : all) {
    if (entry.name == host) return without_link_local(entry.addresses);
  }
  return own_addresses_of(host, all);
}

std::vector<std::string> reachable_endpoints(const std::vector<std::string>& bound,
                                             const std::string& advertise) {
  const std::uint16_t port = port_of(bound.front());
  if (!advertise.empty()) return {advertised(advertise, port)};
  const std::string host = parse_endpoint(bound.front()).host;
  if (host != "0.0.0.0" && host != "::") return bound;
  std::vector<std::string> endpoints;
  for (const auto& address : addresses_for_others(host == "::")) {
    endpoints.push_back(address.endpoint(fmt::format("{}", port)));
  }
  // A machine without a network is reached only from itself.
  if (endpoints.empty()) endpoints.push_back(endpoint_text({"127.0.0.1", port}));
  for (auto& endpoint : name_for_others(port)) endpoints.push_back(std::move(endpoint));
  return endpoints;
}

}  // namespace rankwire::zmq_wire
