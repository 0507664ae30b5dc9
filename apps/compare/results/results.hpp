#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace comparison {

/// What a run of compare has found: the only thing that its table, its JSON file (docs/compare.md)
/// and its report are made of, and what a world that was measured hands to whoever started it.

/// Of many samples of one quantity. For latencies a sample is a mean of a few trips, in seconds.
struct Summary {
  double p50 = 0, p99 = 0, min = 0, max = 0;
  std::uint64_t samples = 0;
};

/// rankwire's figure over a baseline's, measured in turn: of the ratios pair by pair, so that what
/// slows both alike cancels out.
struct Ratio {
  double median = 0, min = 0, max = 0;
  std::uint64_t pairs = 0;
};

/// The same quantity by the bare library, in the same run.
struct Beside {
  std::string kind;  ///< "raw": the transport's library; "socket": the system's; "boost":
                     ///< Boost.MPI; "no backlog": rankwire itself, where nothing waits;
                     ///< "waits": rankwire itself, where the sender waits in a call
  std::string name;  ///< what was called, in words: "MPI_Send, MPI_Recv"
  Summary summary;
  Ratio ratio;
};

/// One quantity in one setting.
struct Figure {
  std::string measure;    ///< "latency", "bandwidth", "rate", "record", "fan-in", "start", "idle",
                          ///< "wake": see docs/compare.md
  std::string transport;  ///< "inproc", "mpi-shm", "mpi-tcp", "zmq-tcp", "zmq-ipc"; between hosts
                          ///< "mpi", "zmq"
  std::string unit;       ///< "s", "B/s", "1/s"
  bool lower_is_better = true;
  std::uint64_t bytes = 0;  ///< of a message; 0 where there is none
  int ranks = 2;            ///< of the world
  Summary rankwire;
  std::vector<Beside> beside;  ///< "raw" first; may be empty
};

struct Machine {
  std::string host, cpu, system;  ///< system: kernel and distribution, in words
  int cores = 0;
  std::uint64_t memory_bytes = 0;
  double load = 0;  ///< mean of the minute before the run
};

struct Named {
  std::string name, text;
};

struct Results {
  std::string made;                ///< when, UTC, ISO 8601
  std::string version;             ///< of rankwire
  std::string command;             ///< that repeats the run
  Machine machine;                 ///< rank 0's
  std::vector<std::string> hosts;  ///< of the ranks, each once; one where all ran on one machine
  std::vector<Named> libraries;    ///< "mpi": "Open MPI 4.1.4", ...
  std::vector<Named> settings;     ///< "length": "quick", ...
  std::vector<Named> left_out;     ///< a transport or measure, and why
  std::vector<Figure> figures;
};

}  // namespace comparison
