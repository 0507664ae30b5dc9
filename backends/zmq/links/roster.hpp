#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/protocol.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/info.hpp"

namespace rankwire::zmq_wire {

/// The ranks of a world: who they are, as this rank was told.
class Roster {
 public:
  /// `members` in rank order, whatever ranks they say: a master may lie. `self` is the rank of this
  /// process.
  Roster(int self, std::vector<Member>&& members) : self_{self}, members_{std::move(members)} {
    for (int rank = 0; Member & member : members_) member.rank = rank++;
  }

  [[nodiscard]] int self() const { return self_; }
  [[nodiscard]] int size() const { return static_cast<int>(members_.size()); }
  /// Rank 0 is the master. It alone decides who has departed.
  [[nodiscard]] bool is_master() const { return self_ == 0; }
  [[nodiscard]] const Member& operator[](int rank) const {
    return members_[static_cast<std::size_t>(rank)];
  }
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
  /// The members in the form in which programs see them.
  [[nodiscard]] std::vector<PeerInfo> peers() const {
    std::vector<PeerInfo> peers;
    for (const Member& member : members_) {
      peers.push_back({member.rank, member.host, member.pid, member.endpoint});
    }
    return peers;
  }
  /// A new process has the rank `member.rank`.
  void replace(const Member& member) { members_[static_cast<std::size_t>(member.rank)] = member; }

 private:
  int self_;
  std::vector<Member> members_;
};

}  // namespace rankwire::zmq_wire
