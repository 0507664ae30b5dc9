#pragma once

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
  /// The first `count` departures are known from now on, which is more than before: all that those
  /// ranks had sent is in the mailbox.
  void know(std::size_t count);
  /// Tells the Ledger what a receive of `wanted` has to report. Costs a look at a number where
  /// nobody has departed.
  void tell(const Wanted& wanted) {
    if (known_ != 0) [[unlikely]]
      tell_known(wanted);
  }
  /// Tells the Ledger of the departure of `rank`, if it is known.
  void tell(int rank);

 private:
  /// The departures below `known`, and from that of the mark before on, were learned when
  /// Mailbox::arrivals() was `place`.
  struct Mark {
    std::uint64_t place;
    std::size_t known;
  };
  void tell_known(const Wanted& wanted);
  void tell_all();
  void tell_losses();
  void tell_one(std::size_t which);

  const Departures& departures_;
  Ledger& ledger_;
  std::size_t known_ = 0;
  std::size_t told_ = 0;         // of these, how many the Ledger knows whatever their kind
  std::size_t losses_told_ = 0;  // and among how many it knows the losses
  std::vector<Mark> marks_;      // for those from told_ on
};

}  // namespace rankwire
