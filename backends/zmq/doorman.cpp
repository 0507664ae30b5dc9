#include "doorman.hpp"

#include <linux/tcp.h>  // glibc's tcp_info does not know the bytes received
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "rankwire/backend/log.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::chrono::milliseconds look_each{100};
constexpr std::uint64_t logged_max = 10;

std::optional<tcp_info> facts_of(int descriptor) {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return std::nullopt;
  return info;
}

std::uint64_t bytes_received(int descriptor) {
  const auto facts = facts_of(descriptor);
  return facts ? facts->tcpi_bytes_received : 0;
}

std::chrono::milliseconds silent_for(int descriptor) {
  const auto facts = facts_of(descriptor);
  return std::chrono::milliseconds{facts ? facts->tcpi_last_data_recv : 0};
}

/// Resets the connection: with less, a caller that has more to send than fits, and to which no room
/// is told any more, would not learn of the end for a minute.
void end_connection(int descriptor) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  shutdown(descriptor, SHUT_RDWR);
}

}  // namespace

void Doorman::came(int descriptor) {
  guests_.erase(descriptor);
  const auto caller = caller_at(descriptor);
  if (!caller) return;  // gone already
  strangers_[descriptor] = {*caller, limits_.stay, limits_.unread, ++calls_};
}

void Doorman::let_in(int descriptor) {
  strangers_.erase(descriptor);
  if (const auto caller = caller_at(descriptor)) guests_[descriptor] = *caller;
}

std::optional<Doorman::Caller> Doorman::caller_at(int descriptor) {
  Caller caller;
  caller.address_bytes = sizeof caller.address;
  auto* const address = reinterpret_cast<sockaddr*>(&caller.address);
  if (getpeername(descriptor, address, &caller.address_bytes) != 0) return std::nullopt;
  return caller;
}

bool Doorman::is_still(int descriptor, const Caller& caller) {
  const auto now = caller_at(descriptor);
  return now && now->address_bytes == caller.address_bytes &&
         std::memcmp(&now->address, &caller.address, caller.address_bytes) == 0;
}

bool Doorman::exceeds(int descriptor, const Stranger& stranger) const {
  return stranger.until.expired() ||
         (stranger.counted_from.expired() && bytes_received(descriptor) > limits_.bytes);
}

std::uint64_t Doorman::look() {
  look_at_guests();
  if (strangers_.empty() || !next_look_.expired()) return 0;
  next_look_ = look_each;
  expire_the_oldest();
  const std::uint64_t before = shown_out_;
  for (auto at = strangers_.begin(); at != strangers_.end();) {
    const auto& [descriptor, stranger] = *at;
    if (!exceeds(descriptor, stranger)) {
      ++at;
      continue;
    }
    show_out(descriptor, stranger);
    at = strangers_.erase(at);
  }
  return shown_out_ - before;
}

void Doorman::look_at_guests() {
  if (guests_.empty() || !next_look_at_guests_.expired()) return;
  next_look_at_guests_ = limits_.silence / 4;
  std::erase_if(guests_, [this](const auto& guest) {
    const auto& [descriptor, caller] = guest;
    if (silent_for(descriptor) <= limits_.silence) return false;
    if (is_still(descriptor, caller)) end_connection(descriptor);
    return true;
  });
}

void Doorman::show_out(int descriptor, const Stranger& stranger) {
  if (!is_still(descriptor, stranger.caller)) return;
  end_connection(descriptor);
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
