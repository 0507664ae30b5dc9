#pragma once

#include <mpi.h>
#include <poll.h>

#include <string>
#include <vector>

#include "rankwire/deadline.hpp"

namespace rankwire::mpi {

/// What each rank tells the others about itself when the world opens.
struct PeerFacts {
  std::string host;
  int pid = 0;
  std::string kernel;     ///< identifies the running kernel and pid namespace; empty: not known
  int bells = -1;         ///< file descriptor of its Bells
  bool survives = false;  ///< its launcher lets it live when another rank dies

  [[nodiscard]] static PeerFacts own();
};

/// The facts of all ranks, in rank order. Collective over `comm`.
[[nodiscard]] std::vector<PeerFacts> exchange_facts(MPI_Comm comm, const PeerFacts& own);

/// Notices that processes of ranks have ended. MPI does not: no MPI call ever reports that a rank's
/// process died, and a call that waits for it waits for ever. The kernel tells it for processes
/// that it runs itself: a pidfd becomes readable when the process ends. Ranks on other hosts or in
/// another pid namespace are not watched.
class ProcessWatch {
 public:
  ProcessWatch() = default;
  ProcessWatch(const std::vector<PeerFacts>& facts, int self);
  ~ProcessWatch();
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;
  ProcessWatch(ProcessWatch&&) = delete;
  ProcessWatch& operator=(ProcessWatch&&) = delete;

  /// Whether every other rank is watched.
  [[nodiscard]] bool complete() const { return complete_; }
  /// The ranks whose processes have ended so far. Asks the kernel at most once in 100 ms.
  [[nodiscard]] const std::vector<int>& ended();
  /// Like ended(), but always asks the kernel.
  [[nodiscard]] const std::vector<int>& ended_now();

 private:
  std::vector<pollfd> files_;  // pidfds of living processes
  std::vector<int> ranks_;     // of files_, same order
  std::vector<int> ended_;
  bool complete_ = false;
  Deadline::Clock::time_point next_look_{};
};

}  // namespace rankwire::mpi
