#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace rankwire {

/// How a blocked wait spends its time (clause 12): first it spins, then yields its core, then
/// sleeps, at most so long at a time where the transport cannot wake it. What is not said is chosen
/// by the ranks and cores of the host when the world opens (docs/waiting.md).
struct WaitSettings {
  std::optional<std::chrono::microseconds> spin, yield;
  std::chrono::microseconds sleep_max{1000};
};

/// Ports to choose from, both ends included.
struct PortRange {
  std::uint16_t first = 0, last = 0;
};

/// Everything that can be set about a world; each field is an option of every program that starts
/// through run(), an environment variable and a key of the configuration file (see README).
struct Settings {
  static constexpr int ranks_default = 4;
  static constexpr int ranks_max = 100'000;

  std::string transport;        ///< "inproc", "mpi", "zmq"; empty: chosen by what else is said
  std::optional<int> ranks;     ///< size of the world; over MPI it must agree with the launcher's
  std::string listen;           ///< zmq: be rank 0 and bind here, "tcp://HOST:PORT", "ipc:///PATH"
  std::string join;             ///< zmq: be a worker of the master that listens here; "@FILE": that
                                ///< address_file of the master says where
  std::optional<int> rank;      ///< zmq: the rank a worker wants; given by arrival otherwise
  std::string job = "default";  ///< zmq: worlds with another job id refuse each other
  bool insecure = false;        ///< zmq: without keys, may still bind what other hosts reach

  std::string address_file;  ///< zmq: where a master writes where it can be joined
  std::string advertise;     ///< zmq: host name or address by which others reach this one
  std::optional<PortRange> port_range;  ///< zmq: for the port on which a worker listens
  std::string key;         ///< zmq: file of the own secret certificate; empty: links have no keys
  std::string allow;       ///< zmq: the master's directory of the public certificates it lets in
  std::string server_key;  ///< zmq: a worker's file of the master's public certificate

  std::chrono::milliseconds join_timeout{60'000};  ///< for the world to be complete
  std::chrono::milliseconds grace{
      15'000};  ///< how long a rank may be out of reach before it is lost
  std::chrono::milliseconds linger{5'000};  ///< bound on delivering in close

  std::uint64_t window_bytes = std::uint64_t{64} << 20;       ///< clause 3
  std::uint64_t message_bytes_max = std::uint64_t{16} << 30;  ///< clause 6
  WaitSettings wait;
  std::string log_level = "info";  ///< trace, debug, info, warn, error, off

  bool takes_arrivals = false;  ///< clause 14; said by the program, not by its user
};

}  // namespace rankwire
