#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "harness.hpp"

namespace conformance {

/// Runs `rank_main(rank)` on a thread for each rank and gathers the lines of those that failed.
template <class F>
std::vector<std::string> on_threads(int ranks, const F& rank_main) {
  std::mutex mutex;
  std::vector<std::string> failures;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      std::string failure = rank_main(rank);
      const std::lock_guard lock{mutex};
      if (!failure.empty()) failures.push_back(std::move(failure));
    });
  }
  for (auto& thread : threads) thread.join();
  return failures;
}

}  // namespace conformance
