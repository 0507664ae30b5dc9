#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/protocol.hpp"
#include "rankwire/backend/rank_table.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/info.hpp"

namespace rankwire::zmq_wire {

/// The ranks of a world: who they are, as far as this rank was told. A worker of a large world is
/// told of few, and asks the master for others.
class Roster {
 public:
  /// `told` are members of this world; those with a rank that it does not have are left out: a
  /// master may lie. `self` is the rank of this process.
  Roster(int self, int size, std::vector<Member>&& told) : self_{self}, members_{size} {
    for (Member& member : told) {
      if (member.rank >= 0 && member.rank < size) learn(std::move(member));
    }
  }

  [[nodiscard]] int self() const { return self_; }
  [[nodiscard]] int size() const { return members_.size(); }
  /// Rank 0 is the master. It alone decides who has departed.
  [[nodiscard]] bool is_master() const { return self_ == 0; }
  /// Who has `rank`. Of a rank that is not known, all but the incarnation is empty.
  [[nodiscard]] const Member& operator[](int rank) const { return members_[rank].member; }
  [[nodiscard]] bool knows(int rank) const { return members_[rank].known; }
  [[nodiscard]] const Member& me() const { return (*this)[self_]; }
  /// Whether `rank` is one of the others.
  [[nodiscard]] bool is_other(int rank) const {
    return rank >= 0 && rank < size() && rank != self_;
  }
  /// Whether `rank` is one of the other workers.
  [[nodiscard]] bool is_other_worker(int rank) const { return rank > 0 && is_other(rank); }
  /// The name of a rank in messages: "rank 3 (host, pid 4711)".
  [[nodiscard]] std::string name(int rank) const {
    const Member& member = (*this)[rank];
    return name_of(rank, member.host, member.pid);
  }
  /// The members that are known, in the form in which programs see them.
  [[nodiscard]] std::vector<PeerInfo> peers() const {
    std::vector<PeerInfo> peers;
    for (int rank = 0; rank < size(); ++rank) {
      if (knows(rank)) peers.push_back(peer_of((*this)[rank]));
    }
    return peers;
  }
  [[nodiscard]] static PeerInfo peer_of(const Member& member) {
    return {member.rank, member.host, member.pid, member.endpoint};
  }
  /// Who has the rank `member.rank` (from now on).
  void learn(Member member) {
    const int rank = member.rank;
    members_.at(rank) = {std::move(member), true};
  }

 private:
  struct Entry {
    Member member;
    bool known = false;
  };
  int self_;
  RankTable<Entry> members_;
};

}  // namespace rankwire::zmq_wire
