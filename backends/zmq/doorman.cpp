#include "doorman.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "rankwire/backend/log.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::chrono::milliseconds look_each{100};
constexpr std::uint64_t logged_max = 10;

}  // namespace

void Doorman::came(int descriptor) {
  const auto connection = StreamConnection::at(descriptor);
  if (!connection) return;  // gone already
  strangers_.insert_or_assign(descriptor,
                              Stranger{*connection, limits_.stay, limits_.unread, ++calls_});
}

bool Doorman::exceeds(const Stranger& stranger) const {
  if (stranger.until.expired()) return true;
  if (!stranger.counted_from.expired()) return false;
  const auto facts = stranger.connection.facts();
  return facts && facts->bytes_received > limits_.bytes;
}

std::uint64_t Doorman::look() {
  if (strangers_.empty() || !next_look_.expired()) return 0;
  next_look_ = look_each;
  expire_the_oldest();
  const std::uint64_t before = shown_out_;
  for (auto at = strangers_.begin(); at != strangers_.end();) {
    if (!exceeds(at->second)) {
      ++at;
      continue;
    }
    show_out(at->second);
    at = strangers_.erase(at);
  }
  return shown_out_ - before;
}

void Doorman::show_out(const Stranger& stranger) {
  stranger.connection.end();
  if (++shown_out_ > logged_max) return;
  log().warn(
      "hung up on a caller that did not say what it wants here, or said too much ({} so far{})",
      shown_out_, shown_out_ == logged_max ? "; more are only counted" : "");
}

/// Where there are too many.
void Doorman::expire_the_oldest() {
  if (strangers_.size() <= limits_.strangers) return;
  std::vector<std::pair<std::uint64_t, int>> by_age;
  by_age.reserve(strangers_.size());
  for (const auto& [descriptor, stranger] : strangers_) {
    by_age.emplace_back(stranger.order, descriptor);
  }
  const std::size_t too_many = strangers_.size() - limits_.strangers;
  std::partial_sort(by_age.begin(), by_age.begin() + static_cast<std::ptrdiff_t>(too_many),
                    by_age.end());
  for (std::size_t i = 0; i < too_many; ++i)
    strangers_.at(by_age[i].second).until = Deadline::poll();
}

}  // namespace rankwire::zmq_wire
