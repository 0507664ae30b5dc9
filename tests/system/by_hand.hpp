#pragma once

#include <deque>
#include <map>
#include <string>

#include "../../apps/rankwire/port.hpp"
#include "system.hpp"

namespace test_system {

/// A world that is started by hand. The workers have given ranks, so that a test knows who is who.
class ByHand {
 public:
  explicit ByHand(int ranks) : ranks_{ranks} {}

  void start_master(const Arguments& program) {
    processes_[0].emplace_back(
        Command{program + Arguments{"--listen", endpoint(), "-n", std::to_string(ranks_)}});
  }
  void start_worker(int rank, const Arguments& program) {
    processes_[rank].emplace_back(
        Command{program + Arguments{"--join", endpoint(), "--rank", std::to_string(rank)}});
  }
  void start_all(const Arguments& program) {
    start_master(program);
    for (int rank = 1; rank < ranks_; ++rank) start_worker(rank, program);
  }
  Process& rank(int rank) { return processes_.at(rank).front(); }
  [[nodiscard]] std::string endpoint() const {
    return "tcp://127.0.0.1:" + std::to_string(port_.number());
  }

 private:
  int ranks_;
  launcher::ReservedPort port_{0};
  std::map<int, std::deque<Process>> processes_;
};

}  // namespace test_system
