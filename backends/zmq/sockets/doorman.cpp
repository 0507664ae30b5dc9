#include "sockets/doorman.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "rankwire/backend/log.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::chrono::milliseconds look_interval_least{10};
/// The interval grows with the number of strangers, so that looking takes a small part of the time.
constexpr std::chrono::microseconds look_interval_for_one{20};
constexpr std::chrono::microseconds look_interval_for_one_who_waits{100};
/// Strangers may have one in this many of the process's descriptors. The others are for its ranks
/// and its program.
constexpr rlim_t share_of_descriptors = 4;

Doorman::Limits limits_of_this_process() {
  Doorman::Limits limits;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
    const auto share = static_cast<std::size_t>(files.rlim_cur / share_of_descriptors);
    limits.strangers = std::min(limits.strangers, std::max<std::size_t>(share, 1));
  }
  return limits;
}

}  // namespace

Doorman::Doorman() : Doorman{limits_of_this_process()} {}

void Doorman::came(int descriptor) {
  const auto connection = StreamConnection::at(descriptor);
  waiting_.erase(descriptor);
  if (!connection) return;  // gone already
  strangers_.insert_or_assign(descriptor, Stranger{*connection, limits_.stay, ++calls_});
  // Looks only when there are clearly too many: a look costs something for each stranger.
  const std::size_t too_many = limits_.strangers + limits_.strangers / 8 + 1;
  if (strangers_.size() > too_many) next_look_ = Deadline::poll();
}

void Doorman::let_wait(int descriptor) {
  const auto found = strangers_.find(descriptor);
  if (found == strangers_.end()) return;
  found->second.until = Deadline::never();
  waiting_.insert(strangers_.extract(found));
}

void Doorman::bid_farewell(int descriptor) {
  auto found = strangers_.find(descriptor);
  waiting_.erase(descriptor);
  if (found == strangers_.end()) {
    came(descriptor);
    found = strangers_.find(descriptor);
    if (found == strangers_.end()) return;  // gone already
  }
  found->second.leaves = true;
  found->second.connection.discard_input();
  found->second.until = found->second.until.sooner(limits_.farewell);
}

bool Doorman::exceeds(Stranger& stranger, std::uint64_t sweeps) const {
  const bool is_late = stranger.until.expired();
  if (stranger.leaves) return is_late;
  if (!is_late) {
    const auto facts = stranger.connection.facts();
    if (!facts || facts->bytes_read <= limits_.bytes) return false;
  }
  if (stranger.sweeps == 0) stranger.sweeps = sweeps;
  return sweeps > stranger.sweeps + 1;  // the first of them may have been half done
}

std::uint64_t Doorman::look(std::uint64_t sweeps) {
  const std::uint64_t before = shown_out_.count();
  const auto again_in = [](std::chrono::microseconds interval) {
    return std::max(look_interval_least, std::chrono::ceil<std::chrono::milliseconds>(interval));
  };
  if (!strangers_.empty() && next_look_.expired()) {
    expire_the_oldest();
    look_at(strangers_, sweeps);
    next_look_ = again_in(strangers_.size() * look_interval_for_one);
  }
  if (!waiting_.empty() && next_look_at_waiting_.expired()) {
    look_at(waiting_, sweeps);
    next_look_at_waiting_ = again_in(waiting_.size() * look_interval_for_one_who_waits);
  }
  return shown_out_.count() - before;
}

void Doorman::look_at(Strangers& strangers, std::uint64_t sweeps) {
  for (auto at = strangers.begin(); at != strangers.end();) {
    if (!exceeds(at->second, sweeps)) {
      ++at;
      continue;
    }
    show_out(at->second);
    at = strangers.erase(at);
  }
}

void Doorman::show_out(const Stranger& stranger) {
  stranger.connection.end();
  if (!shown_out_.admits()) return;
  log().warn(
      "hung up on a caller that did not say what it wants here, or said too much ({} so far{})",
      shown_out_.count(), shown_out_.end());
}

/// If there are too many strangers, lets the time of the oldest expire.
void Doorman::expire_the_oldest() {
  if (strangers_.size() <= limits_.strangers) return;
  std::vector<std::pair<std::uint64_t, int>> by_age;
  by_age.reserve(strangers_.size());
  for (const auto& [descriptor, stranger] : strangers_) {
    by_age.emplace_back(stranger.order, descriptor);
  }
  const std::size_t too_many = by_age.size() - std::min(by_age.size(), limits_.strangers);
  std::partial_sort(by_age.begin(), by_age.begin() + static_cast<std::ptrdiff_t>(too_many),
                    by_age.end());
  for (std::size_t i = 0; i < too_many; ++i)
    strangers_.at(by_age[i].second).until = Deadline::poll();
}

}  // namespace rankwire::zmq_wire
