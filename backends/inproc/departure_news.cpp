#include "departure_news.hpp"

#include <algorithm>

namespace rankwire {

void DepartureNews::know(std::size_t count) {
  const Mailbox& mailbox = ledger_.mailbox();
  // Where no message waits in between, there is one place.
  if (mailbox.messages() == 0) marks_.clear();
  if (marks_.empty() || marks_.back().place != mailbox.arrivals()) {
    marks_.push_back({mailbox.arrivals(), count});
  }
  marks_.back().known = known_ = count;
}

void DepartureNews::tell_known(const Wanted& wanted) {
  if (wanted.source != any_source) return tell(wanted.source);
  const bool nobody_remains = known_ + 1 >= static_cast<std::size_t>(departures_.ranks());
  if (wanted.all_news || nobody_remains) {
    tell_all();
  } else {
    tell_losses();
  }
}

void DepartureNews::tell(int rank) {
  if (ledger_.mailbox().departure(rank) != nullptr) return;
  const std::size_t which = departures_.place_of(rank, known_);
  if (which != known_) tell_one(which);
}

void DepartureNews::tell_all() {
  if (told_ == known_) return;
  for (; told_ < known_; ++told_) tell_one(told_);
  losses_told_ = told_;
  marks_.clear();
}

void DepartureNews::tell_losses() {
  for (; losses_told_ < known_; ++losses_told_) {
    if (departures_[losses_told_]->kind == Departure::Kind::lost) tell_one(losses_told_);
  }
}

void DepartureNews::tell_one(std::size_t which) {
  const auto mark =
      std::upper_bound(marks_.begin(), marks_.end(), which,
                       [](std::size_t place, const Mark& at) { return place < at.known; });
  ledger_.depart(departures_[which], mark->place);
}

}  // namespace rankwire
