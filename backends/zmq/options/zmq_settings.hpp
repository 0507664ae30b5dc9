#pragma once

#include <optional>
#include <span>
#include <string>

#include "rankwire/backend/backend.hpp"
#include "rankwire/settings.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {

/// The settings of a world over ZeroMQ: everybody's, and what belongs to this transport alone, each
/// field an option of zmq_options().
struct ZmqSettings : Settings {
  ZmqSettings() = default;
  explicit ZmqSettings(const Settings& settings) : Settings{settings} {}

  std::string listen;           ///< be rank 0 and bind here, "tcp://HOST:PORT", "ipc:///PATH"
  std::string join;             ///< be a worker of the master that listens here; "@FILE": that
                                ///< address_file of the master says where
  std::optional<int> rank;      ///< the rank a worker wants; given by arrival otherwise
  std::string job = "default";  ///< worlds with another job id refuse each other

  std::string address_file;             ///< where a master writes where it can be joined
  std::string advertise;                ///< host name or address by which others reach this one
  std::optional<PortRange> port_range;  ///< for the port on which a worker listens
  std::string key;         ///< file of the own secret certificate; empty: links have no keys
  std::string allow;       ///< the master's directory of the public certificates it lets in
  std::string server_key;  ///< a worker's file of the master's public certificate
  bool insecure = false;   ///< without keys, may still bind what other hosts reach
};

/// The options of this transport, each declared once: what --help says, and how its text is read.
[[nodiscard]] std::span<const BackendOption> zmq_options();

/// Reads settings.options into the fields. Throws UsageError for a text that cannot be meant, and
/// for an option that this transport does not have, with the nearest that it has.
[[nodiscard]] ZmqSettings read_zmq_settings(const Settings& settings);

/// Backend::is_meant: --listen and --join choose zmq.
[[nodiscard]] bool is_zmq_meant(const Said& said);

/// Backend::check: what a master and a worker must say, and must not.
void check_zmq_options(const Said& said);

/// The same for the options of reach and keys, whatever transport was chosen.
void check_reach_and_keys(const Said& said);

}  // namespace rankwire::zmq_wire
