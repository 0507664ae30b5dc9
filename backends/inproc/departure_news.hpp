#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rankwire/backend/ledger.hpp"
#include "shared_world.hpp"

namespace rankwire {

/// What one rank knows of the departures of its world. Its Ledger is told those only that its
/// program asks for: if each rank of a world of thousands noted that all others have left, this
/// would take memory and time for the square of their number.
class DepartureNews {
 public:
  DepartureNews(const Departures& departures, Ledger& ledger)
      : departures_{departures}, ledger_{ledger} {}

  /// How many departures of the world are known.
  [[nodiscard]] std::size_t known() const { return known_; }
  /// The first `count` departures are known from now on: all that those ranks had sent is in the
  /// mailbox.
  void know(std::size_t count) {
    if (count == known_) return;
    const Mailbox& mailbox = ledger_.mailbox();
    // Where no message waits in between, there is one place.
    if (mailbox.messages() == 0) marks_.clear();
    if (marks_.empty() || marks_.back().place != mailbox.arrivals()) {
      marks_.push_back({mailbox.arrivals(), count});
    }
    marks_.back().known = known_ = count;
  }
  /// Tells the Ledger what a receive of `wanted` has to report.
  void tell(const Wanted& wanted) {
    if (wanted.source != any_source) return tell(wanted.source);
    const bool nobody_remains = known_ + 1 >= static_cast<std::size_t>(departures_.ranks());
    if (wanted.all_news || nobody_remains) {
      tell_all();
    } else {
      tell_losses();
    }
  }
  /// Tells the Ledger of the departure of `rank`, if it is known.
  void tell(int rank) {
    if (known_ == 0 || ledger_.mailbox().departure(rank) != nullptr) return;
    const std::size_t which = departures_.place_of(rank, known_);
    if (which != known_) tell_one(which);
  }

 private:
  /// The departures below `known`, and from that of the mark before on, were learned when
  /// Mailbox::arrivals() was `place`.
  struct Mark {
    std::uint64_t place;
    std::size_t known;
  };
  void tell_all() {
    if (told_ == known_) return;
    for (; told_ < known_; ++told_) tell_one(told_);
    losses_told_ = told_;
    marks_.clear();
  }
  void tell_losses() {
    for (; losses_told_ < known_; ++losses_told_) {
      if (departures_[losses_told_]->kind == Departure::Kind::lost) tell_one(losses_told_);
    }
  }
  void tell_one(std::size_t which) {
    const auto mark =
        std::upper_bound(marks_.begin(), marks_.end(), which,
                         [](std::size_t place, const Mark& at) { return place < at.known; });
    ledger_.depart(departures_[which], mark->place);
  }

  const Departures& departures_;
  Ledger& ledger_;
  std::size_t known_ = 0;
  std::size_t told_ = 0;         // of these, how many the Ledger knows whatever their kind
  std::size_t losses_told_ = 0;  // and among how many it knows the losses
  std::vector<Mark> marks_;      // for those from told_ on
};

}  // namespace rankwire
