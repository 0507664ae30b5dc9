#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "links/link_table.hpp"
#include "protocol/protocol.hpp"
#include "rankwire/deadline.hpp"

namespace rankwire::zmq_wire {

/// What the master has to tell the workers: which ranks have departed. A telling is a frame to each
/// worker, so when thousands depart they are told of together. After a telling the next one waits
/// for some times as long as the last one took. So telling takes a bounded share of the master's
/// time, and in a small world nothing waits.
class Tidings {
 public:
  /// A rank that has departed.
  struct Gone {
    int rank = 0;
    bool lost = false;
    std::string reason;
    Goodbye goodbye;  // how many messages it had sent to whom
  };

  /// `links` lead to the workers, and outlive this.
  explicit Tidings(LinkTable& links) : links_{links} {}

  void add(Gone&& gone) { untold_.push_back(std::move(gone)); }
  [[nodiscard]] bool has_any() const { return !untold_.empty(); }
  /// Whether it is time to tell.
  [[nodiscard]] bool is_due() const { return has_any() && next_.expired(); }
  /// Tells the workers 1..ranks-1 for which `hears` is true all that was not told yet.
  void tell(int ranks, const std::function<bool(int)>& hears);

 private:
  LinkTable& links_;
  std::vector<Gone> untold_;
  Deadline next_ = Deadline::poll();
};

}  // namespace rankwire::zmq_wire
