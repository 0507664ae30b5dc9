#pragma once

#include <optional>
#include <span>
#include <string>

#include "rankwire/backend/backend.hpp"
#include "rankwire/settings.hpp"
#include "reach/endpoint.hpp"

namespace rankwire::zmq_wire {

/// The settings of a world over ZeroMQ: those that all transports have, and those of this one. Each
/// field here is an option of zmq_options().
struct ZmqSettings : Settings {
  ZmqSettings() = default;
  explicit ZmqSettings(const Settings& settings) : Settings{settings} {}

  std::string listen;           ///< be rank 0 and bind here, "tcp://HOST:PORT", "ipc:///PATH"
  std::string join;             ///< be a worker of the master that listens here; "@FILE": at the
                                ///< endpoints in this address_file of the master
  std::optional<int> rank;      ///< the rank that a worker wants; otherwise given by arrival
  std::string job = "default";  ///< ranks with different job ids refuse each other

  std::string address_file;             ///< the file in which a master writes its endpoints
  std::string advertise;                ///< host name or address by which others reach this process
  std::optional<PortRange> port_range;  ///< ports from which a worker takes the one it listens on
  std::string key;         ///< file of this process's secret certificate; empty: no keys
  std::string allow;       ///< at the master: directory of the certificates that it lets in
  std::string server_key;  ///< at a worker: file of the master's public certificate
  bool insecure = false;   ///< may listen without keys where other hosts can reach it
};

/// The options of this transport. Each is declared once: its help, and how its text is read.
[[nodiscard]] std::span<const BackendOption> zmq_options();

/// Reads settings.options into the fields. Throws UsageError for a text that is not valid, and for
/// an option that this transport does not have, with the nearest that it has.
[[nodiscard]] ZmqSettings read_zmq_settings(const Settings& settings);

/// For Backend::is_meant: --listen and --join mean zmq.
[[nodiscard]] bool is_zmq_meant(const Said& said);

/// For Backend::check: which options a master and a worker must give, and must not.
void check_zmq_options(const Said& said);

/// Checks the options of addresses and keys, whatever transport was chosen.
void check_reach_and_keys(const Said& said);

}  // namespace rankwire::zmq_wire
