#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace rankwire {

/// How a blocked wait spends its time (clause 12): it spins, then yields its core, then sleeps.
/// `sleep_max` bounds one sleep where the transport cannot wake the rank. A time that is not set is
/// chosen by the ranks and cores of the host when the world opens (docs/waiting.md).
struct WaitSettings {
  std::optional<std::chrono::microseconds> spin, yield;
  std::chrono::microseconds sleep_max{1000};
};

/// Everything that can be set about a world. In a program that starts through run(), its user sets
/// all but `takes_arrivals`: for each setting there is an option, an environment variable and a key
/// of the configuration file (see README). Each entry of `options` counts as a setting.
struct Settings {
  static constexpr int ranks_default = 4;
  static constexpr int ranks_max = 100'000;

  std::string transport;     ///< "inproc", "mpi", "zmq"; empty: chosen by the other settings
  std::optional<int> ranks;  ///< size of the world; over MPI it must agree with the launcher's
  /// The options of a single transport: from the option's name to its text, as on the command line.
  /// {"listen", "tcp://127.0.0.1:5555"}, {"insecure", "true"}. Each transport lists and checks its
  /// own (Backend::options, --help, README).
  std::map<std::string, std::string, std::less<>> options;

  std::chrono::milliseconds join_timeout{60'000};  ///< time for the world to become complete
  /// How long a rank may be out of reach before it is lost.
  std::chrono::milliseconds grace{15'000};
  std::chrono::milliseconds linger{5'000};  ///< bound on the time to deliver in close

  std::uint64_t window_bytes = std::uint64_t{64} << 20;  ///< clause 3
  /// For the messages to all ranks and from all, each way (clause 3). Nothing: 1 GiB or a quarter
  /// of the host's memory, whichever is less.
  std::optional<std::uint64_t> memory_bytes;
  std::uint64_t message_bytes_max = std::uint64_t{16} << 30;  ///< clause 6
  WaitSettings wait;
  /// Whether a thread of the channel moves messages on while the program computes (clause 15).
  /// Otherwise they move in its calls only.
  bool progress_thread = true;
  std::string log_level = "info";  ///< trace, debug, info, warn, error, off

  bool takes_arrivals = false;  ///< clause 14; set by the program, not by its user
};

}  // namespace rankwire
