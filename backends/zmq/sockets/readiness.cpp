#include "sockets/readiness.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "rankwire/errors.hpp"

namespace rankwire::zmq_wire {
namespace {

[[noreturn]] void fail(const char* what) {
  throw TransportError{fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

Readiness::Readiness() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (!epoll_) fail("cannot watch descriptors");
}

Readiness::Entry Readiness::watch(int descriptor, std::uint64_t name) {
  if (watched_ == reports_.size()) reports_.emplace_back();
  epoll_event event{.events = EPOLLIN, .data = {.u64 = name}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    fail("cannot watch a descriptor");
  }
  ++watched_;
  return Entry{*this, descriptor};
}

Readiness::Entry::~Entry() {
  if (descriptor_ < 0) return;
  ::epoll_ctl(set_->epoll_.get(), EPOLL_CTL_DEL, descriptor_, nullptr);
  --set_->watched_;
}

Readiness::Reports Readiness::wait(std::chrono::milliseconds limit) {
  const auto limit_ms =
      static_cast<int>(std::clamp<std::int64_t>(limit.count(), 0, std::numeric_limits<int>::max()));
  const int count =
      ::epoll_wait(epoll_.get(), reports_.data(), static_cast<int>(reports_.size()), limit_ms);
  if (count >= 0) return {.of = std::span{reports_}.first(static_cast<std::size_t>(count))};
  if (errno != EINTR) fail("waiting for messages");
  return {.of = {}, .interrupted = true};
}

}  // namespace rankwire::zmq_wire
