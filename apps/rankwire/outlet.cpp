#include "outlet.hpp"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace launcher {

void Outlet::add(std::string_view text) {
  if (!has_failed()) pending_.append(text);
}

void Outlet::write_some() {
  // Only a part at a time, since the ranks and the signals wait meanwhile.
  const std::size_t end = std::min(pending_.size(), pending_bytes_max);
  std::size_t done = 0;
  while (done < end && takes_more()) {
    // A writable pipe has room for PIPE_BUF bytes. Writing more may wait.
    const ssize_t size =
        write(target_, pending_.data() + done, std::min<std::size_t>(end - done, PIPE_BUF));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;  // another process has filled it
    if (size < 0) return give_up(std::strerror(errno));
    done += static_cast<std::size_t>(size);
  }
  pending_.erase(0, done);
}

bool Outlet::takes_more() const {
  pollfd item{target_, POLLOUT, 0};
  return poll(&item, 1, 0) > 0;  // also on an error, which the write reports
}

void Outlet::give_up(std::string_view why) {
  failure_ = fmt::format("cannot write to {}: {}", name_, why);
  pending_.clear();
}

}  // namespace launcher
