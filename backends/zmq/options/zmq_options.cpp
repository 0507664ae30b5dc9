#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "options/zmq_settings.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/nearest.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/units.hpp"

namespace rankwire::zmq_wire {
namespace {

/// A text of which only the file system or another host can tell whether it is right.
template <std::string ZmqSettings::*field>
void set_text(ZmqSettings& settings, const std::string& text) {
  if (text.empty()) throw UsageError{"an empty text is not accepted"};
  settings.*field = text;
}

/// Reads the endpoint of a master. Over ipc, its workers listen beside it, so the path must leave
/// room.
Endpoint parse_meeting(const std::string& text) {
  Endpoint endpoint = parse_endpoint(text);
  constexpr std::size_t most = ipc_path_bytes_max - ipc_suffix_bytes;
  if (endpoint.path.size() > most) {
    throw UsageError{fmt::format(
        "'{}': the path has {} bytes, and {} are accepted: the system takes {}, and "
        "the sockets of workers have {} more; name a file in a folder with a shorter "
        "path, such as /tmp",
        printable(text), endpoint.path.size(), most, ipc_path_bytes_max, ipc_suffix_bytes)};
  }
  return endpoint;
}

void set_listen(ZmqSettings& settings, const std::string& text) {
  (void)parse_meeting(text);
  settings.listen = text;
}

void set_join(ZmqSettings& settings, const std::string& text) {
  if (text == "@") throw UsageError{"'@': the name of the master's --address-file is missing"};
  if (!text.starts_with('@')) {
    const Endpoint endpoint = parse_meeting(text);
    if (endpoint.port == 0 && !endpoint.is_ipc()) {
      throw UsageError{
          fmt::format("'{}': port 0 cannot be joined: 1 to 65535 is accepted", printable(text))};
    }
    if (endpoint.host == "*") {
      throw UsageError{fmt::format("'{}': name the master's host instead of *", printable(text))};
    }
  }
  settings.join = text;
}

void set_rank(ZmqSettings& settings, const std::string& text) {
  settings.rank = parse_number(text, Settings::ranks_max - 1);
}

void set_job(ZmqSettings& settings, const std::string& text) {
  constexpr std::size_t length_max = 64;
  constexpr std::string_view accepted =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (text.empty() || text.size() > length_max ||
      text.find_first_not_of(accepted) != std::string::npos) {
    throw UsageError{
        fmt::format("'{}' is not accepted: 1 to {} letters, digits, '.', '_' and '-' are",
                    printable(text), length_max)};
  }
  settings.job = text;
}

void set_advertise(ZmqSettings& settings, const std::string& text) {
  settings.advertise = parse_host(text);
}

std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end ? port : std::uint16_t{0};
}

void set_port_range(ZmqSettings& settings, const std::string& text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const PortRange range{
      parse_port(std::string_view{text}.substr(0, colon)),
      parse_port(std::string_view{text}.substr(std::min(colon + 1, text.size())))};
  if (range.first == 0 || range.last < range.first) {
    throw UsageError{
        fmt::format("'{}' is not accepted: two ports are, the lower one first, from 1 to 65535, as "
                    "in 6000:6099",
                    printable(text))};
  }
  settings.port_range = range;
}

void set_insecure(ZmqSettings& settings, const std::string& text) {
  settings.insecure = parse_flag(text);
}

using Set = void (*)(ZmqSettings&, const std::string&);

/// An option, and how its text is stored in its field.
struct Entry {
  BackendOption option;
  Set store;
};

template <Set set>
void check_by(const std::string& text) {
  ZmqSettings scratch;
  set(scratch, text);
}

template <Set set>
constexpr Entry entry(std::string_view name, std::string_view type, std::string_view help,
                      std::string_view standard = {}) {
  return {{name, type, help, check_by<set>, standard}, set};
}

/// To add an option, add a field to ZmqSettings and a line here. Checks against other options are
/// in check_options.cpp.
constexpr std::array entries{
    entry<set_listen>("listen", "ENDPOINT",
                      "zmq: be the master (rank 0) and listen here,\ntcp://HOST:PORT, or "
                      "ipc:///PATH for ranks of one host"),
    entry<set_join>("join", "ENDPOINT",
                    "zmq: be a worker of the master that listens here,\ntcp://HOST:PORT or "
                    "ipc:///PATH, or @FILE for its\n--address-file"),
    entry<set_rank>("rank", "N", "zmq: the rank this worker wants; by order of arrival otherwise"),
    entry<set_job>("job", "NAME", "zmq: worlds with another job name refuse each other", "default"),
    entry<set_text<&ZmqSettings::address_file>>(
        "address-file", "FILE", "zmq: the master writes here where it can be joined"),
    entry<set_advertise>("advertise", "HOST",
                         "zmq: name or address by which others reach this host"),
    entry<set_port_range>("port-range", "A:B", "zmq: a worker listens on a free port of these"),
    entry<set_text<&ZmqSettings::key>>(
        "key", "FILE",
        "zmq: own secret key, NAME.key_secret of rankwire keygen;\nall links are then encrypted"),
    entry<set_text<&ZmqSettings::allow>>(
        "allow", "DIR", "zmq: the master lets in those whose public keys\n(NAME.key) are here"),
    entry<set_text<&ZmqSettings::server_key>>(
        "server-key", "FILE", "zmq: a worker joins the master with this public key"),
    entry<set_insecure>("insecure", "",
                        "zmq: may listen where other hosts reach it, without keys")};

constexpr auto shown = [] {
  std::array<BackendOption, entries.size()> options{};
  std::transform(entries.begin(), entries.end(), options.begin(),
                 [](const Entry& entry) { return entry.option; });
  return options;
}();

[[noreturn]] void refuse_unknown(const std::string& name) {
  std::vector<std::string> known;
  for (const BackendOption& option : shown) known.emplace_back(option.name);
  const std::string nearest = nearest_name(name, known);
  throw UsageError{fmt::format("zmq has no option {}{}", printable(name),
                               nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest))};
}

}  // namespace

std::span<const BackendOption> zmq_options() {
  return shown;
}

ZmqSettings read_zmq_settings(const Settings& settings) {
  ZmqSettings read{settings};
  for (const auto& [name, text] : settings.options) {
    const auto* const found = std::find_if(
        entries.begin(), entries.end(),
        [&name = name](const Entry& candidate) { return candidate.option.name == name; });
    if (found == entries.end()) refuse_unknown(name);
    try {
      found->store(read, text);
    } catch (const UsageError& error) {
      throw UsageError{fmt::format("--{}: {}", name, error.what())};
    }
  }
  return read;
}

}  // namespace rankwire::zmq_wire
