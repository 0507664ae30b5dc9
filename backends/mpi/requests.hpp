#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "error.hpp"

namespace rankwire::mpi {

/// MPI requests that are under way, each with an item that belongs to it. One MPI call asks for all
/// of them: a call for each would run MPI's progress each time.
template <class Item>
class Requests {
 public:
  void add(MPI_Request request, Item item) {
    requests_.push_back(request);
    items_.push_back(std::move(item));
  }
  /// Calls `done(item)` for each request that is complete, in the order in which they were added,
  /// and removes it. Returns whether there were any.
  template <class F>
  bool complete(F&& done);
  /// Forgets the requests for which `which(item)` is true. MPI goes on with them.
  template <class F>
  void forget(F&& which) {
    keep_if([&](std::size_t i) { return !which(items_[i]); });
  }
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] bool empty() const { return items_.empty(); }

 private:
  template <class F>
  void keep_if(F&& keep);

  std::vector<MPI_Request> requests_;
  std::vector<Item> items_;  // of requests_, same order
  std::vector<int> scratch_;
};

template <class Item>
template <class F>
bool Requests<Item>::complete(F&& done) {
  if (requests_.empty()) return false;
  scratch_.resize(requests_.size());
  int count = 0;
  check(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &count, scratch_.data(),
                     MPI_STATUSES_IGNORE),
        "MPI_Testsome");
  if (count == 0 || count == MPI_UNDEFINED) return false;
  keep_if([&](std::size_t i) {
    if (requests_[i] != MPI_REQUEST_NULL) return true;
    done(items_[i]);
    return false;
  });
  return true;
}

template <class Item>
template <class F>
void Requests<Item>::keep_if(F&& keep) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (!keep(i)) continue;
    if (kept != i) {
      requests_[kept] = requests_[i];
      items_[kept] = std::move(items_[i]);
    }
    ++kept;
  }
  requests_.resize(kept);
  items_.resize(kept);
}

}  // namespace rankwire::mpi
