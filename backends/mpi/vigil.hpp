#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "inbound.hpp"
#include "job.hpp"
#include "outbound.hpp"
#include "rankwire/backend/ledger.hpp"
#include "signs.hpp"

namespace rankwire::mpi {

/// Notices that ranks have died or cannot be reached, and records them as lost (clause 8): at once
/// where the kernel tells it (ProcessWatch); and, in a job that survives deaths, after the grace by
/// their silence (Signs). Rank 0 decides who was silent for too long, and tells the others. A rank
/// that does not hear rank 0 for so long, or hears that it was given up itself, has lost the world.
class Vigil {
 public:
  /// `parted`: by rank, whether a goodbye was said to it; empty before the first. Without a `grace`
  /// there are no signs.
  Vigil(Job& job, Ledger& ledger, Inbound& inbound, Outbound& outbound,
        const std::vector<bool>& parted, std::optional<Signs::Duration> grace);

  /// This rank has a thread that looks while its program computes. Without one it gives no signs:
  /// nobody must take it for dead because it computes.
  void begin_signs() { gives_signs_ = signs_.has_value(); }
  void end_signs() {
    fall_silent();
    gives_signs_ = false;
  }
  /// Tells those who watch this rank that it may be silent now, until its next sign.
  void fall_silent();
  [[nodiscard]] bool has_signs() const { return signs_.has_value(); }

  /// Whether the note was for this. If it was, the program gains nothing by it.
  bool heed(int source, const Note& note);
  /// One look. `empty_looks`: so many looks at MPI in a row have found nothing. Returns whether
  /// this rank has just lost the world by the silence of rank 0.
  bool look(unsigned& empty_looks);
  /// Whether any rank waits to be recorded as lost.
  [[nodiscard]] bool has_ended() const { return !ended_.empty(); }
  /// Whether `rank` was given up although its process may live.
  [[nodiscard]] bool gave_up(int rank) const;

 private:
  /// A rank that has ended, while there may be more of it to take in.
  struct Ended {
    int rank = 0;
    bool may_live = false;
    std::string reason;
    std::uint64_t come = 0;  // come_of(rank) at the last look
    unsigned looks = 0;      // looks since that changed
    Deadline lost_at = Deadline::never();
  };
  /// A count that grows with whatever comes from `rank`.
  [[nodiscard]] std::uint64_t come_of(int rank) const {
    return inbound_.come(rank) + ledger_.come(rank);
  }
  [[nodiscard]] bool has_parted(int rank) const {
    return !parted_.empty() && parted_[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] bool is_lost(int rank) const;
  [[nodiscard]] std::string grace_text() const;
  void end(int rank, bool may_live, std::string reason);
  void give_up(int rank, std::string reason);
  void lose_world(const std::string& reason);
  bool look_for_signs();
  void give_signs();
  void tell_given_up();
  bool record(Ended& dead, unsigned empty_looks);

  Job& job_;
  Ledger& ledger_;
  Inbound& inbound_;
  Outbound& outbound_;
  const std::vector<bool>& parted_;
  std::optional<Signs> signs_;
  bool gives_signs_ = false;
  std::size_t ended_seen_ = 0;     // of job_.watch().ended()
  std::vector<Ended> ended_;       // those that have not departed yet
  std::vector<int> given_up_;      // in order
  std::vector<std::size_t> told_;  // by rank: how many of given_up_ rank 0 has told it of
  bool tells_ = false;             // somebody is still to be told
  bool fresh_ = false;             // one of ended_ was added since the last look
};

}  // namespace rankwire::mpi
