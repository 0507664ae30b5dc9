#pragma once

#include <mpi.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bells.hpp"
#include "crowd.hpp"
#include "peers.hpp"
#include "rankwire/settings.hpp"
#include "reach.hpp"

namespace rankwire::mpi {

/// This process's part in the MPI job. A process has one, from the first open until it ends. Each
/// channel makes communicators of its own from comm().
class Job {
 public:
  /// Starts MPI at the first call, unless the program has started it. Throws UsageError if the
  /// world is not the one that `settings` or the launcher's variables describe, and TransportError
  /// after a rank's process has died. The first call is collective.
  [[nodiscard]] static Job& enter(const Settings& settings);

  [[nodiscard]] MPI_Comm comm() const { return comm_; }
  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return static_cast<int>(peers_.size()); }
  [[nodiscard]] const std::vector<PeerFacts>& peers() const { return peers_; }
  [[nodiscard]] const Crowd& crowd() const { return crowd_; }
  [[nodiscard]] const Reach& reach() const { return reach_; }
  [[nodiscard]] ProcessWatch& watch() { return watch_; }
  [[nodiscard]] Bells& bells() { return *bells_; }
  /// Whether the launcher lets the others live when a rank dies. The same on all ranks.
  [[nodiscard]] bool survives_deaths() const;
  /// A rank was lost although the end of its process was not seen.
  void note_lost(int rank) { lost_ = rank; }
  /// Whether MPI was finalized. No MPI call is allowed then.
  [[nodiscard]] static bool finalized();
  /// MPI's name and version, in words.
  [[nodiscard]] static std::string library();

  /// To be called when a channel begins and when it ends. While one is open, the end of the process
  /// does not finalize MPI.
  void channel_opened() { ++channels_open_; }
  void channel_ended() { --channels_open_; }
  /// Whether a thread of the channel that opens now may call MPI while the program is outside.
  /// MPI must allow one thread after the other; no other channel may be open; and a program that
  /// has started MPI itself may be inside at any time.
  [[nodiscard]] bool allows_thread() const;
  /// A channel has such a thread: `end` ends it. That happens before another channel opens.
  void has_thread(std::function<void()> end) { end_thread_ = std::move(end); }

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  Job(Job&&) = delete;
  Job& operator=(Job&&) = delete;

 private:
  Job(MPI_Comm comm, int rank, std::vector<PeerFacts> peers, std::unique_ptr<Bells> bells)
      : comm_{comm},
        rank_{rank},
        peers_{std::move(peers)},
        watch_{peers_, rank},
        bells_{std::move(bells)} {
    bells_->join(peers_, rank_);
  }
  ~Job() = default;
  static Job* start(const Settings& settings);
  static void finalize_at_exit();

  static Job* instance_;
  MPI_Comm comm_;
  int rank_;
  std::vector<PeerFacts> peers_;
  Crowd crowd_;
  Reach reach_;
  ProcessWatch watch_;
  std::unique_ptr<Bells> bells_;
  int channels_open_ = 0;
  std::function<void()> end_thread_;
  std::optional<int> lost_;
};

}  // namespace rankwire::mpi
