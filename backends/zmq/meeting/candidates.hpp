#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>

#include "protocol/protocol.hpp"
#include "sockets/carrier.hpp"

namespace rankwire::zmq_wire {

/// A worker that has come, and waits for the others.
struct Candidate {
  ConnectionId connection = 0;
  Hello hello;
};

/// The workers that wait, in the order of arrival.
class Candidates {
 public:
  /// By the order of arrival.
  [[nodiscard]] const std::map<std::uint64_t, Candidate>& all() const { return all_; }
  [[nodiscard]] int count() const { return static_cast<int>(all_.size()); }
  /// The ranks that are wanted, and the arrival of the one who wants each.
  [[nodiscard]] const std::map<int, std::uint64_t>& wanted() const { return by_wanted_; }
  /// The one of that process, over that connection, or that wants that rank. Null: there is none.
  [[nodiscard]] Candidate* of_process(std::uint64_t nonce) { return find(by_nonce_, nonce); }
  [[nodiscard]] Candidate* at(ConnectionId connection) { return find(by_connection_, connection); }
  [[nodiscard]] Candidate* wanting(int rank) { return find(by_wanted_, rank); }

  Candidate& add(Candidate&& candidate) {
    const std::uint64_t order = ++arrivals_;
    by_nonce_[candidate.hello.nonce] = order;
    by_connection_[candidate.connection] = order;
    if (candidate.hello.wanted_rank > 0) by_wanted_[candidate.hello.wanted_rank] = order;
    return all_[order] = std::move(candidate);
  }
  /// The same process has said hello again, perhaps over another connection.
  void replace(Candidate& candidate, Candidate&& by) {
    const std::uint64_t order = by_nonce_.at(candidate.hello.nonce);
    by_connection_.erase(candidate.connection);
    by_connection_[by.connection] = order;
    candidate = std::move(by);
  }
  void erase(const Candidate& candidate) {
    const auto order = by_nonce_.extract(candidate.hello.nonce).mapped();
    by_connection_.erase(candidate.connection);
    by_wanted_.erase(candidate.hello.wanted_rank);
    all_.erase(order);
  }

 private:
  template <class Index, class Key>
  [[nodiscard]] Candidate* find(const Index& index, const Key& key) {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : &all_.at(found->second);
  }

  std::map<std::uint64_t, Candidate> all_;
  std::unordered_map<std::uint64_t, std::uint64_t> by_nonce_;
  std::unordered_map<ConnectionId, std::uint64_t> by_connection_;
  std::map<int, std::uint64_t> by_wanted_;
  std::uint64_t arrivals_ = 0;
};

}  // namespace rankwire::zmq_wire
