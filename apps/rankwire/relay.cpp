#include "relay.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace launcher {

Relay::Relay(int source, Outlet& target, std::string prefix)
    : source_{source}, target_{target}, prefix_{std::move(prefix)} {
  fcntl(source_, F_SETFL, O_NONBLOCK);
}

Relay::Relay(Relay&& other) noexcept
    : source_{std::exchange(other.source_, -1)},
      target_{other.target_},
      prefix_{std::move(other.prefix_)},
      pending_{std::move(other.pending_)},
      in_line_{other.in_line_} {}

bool Relay::pass_on() {
  if (target_.has_failed()) close();
  if (source_ < 0) return false;
  // One read at a time: a rank that writes without end must not keep the others waiting.
  std::array<char, line_bytes_max> part;
  const ssize_t size = read(source_, part.data(), part.size());
  if (size < 0 && (errno == EINTR || errno == EAGAIN)) return false;
  if (size <= 0) {
    end();
    return false;
  }
  pending_.append(part.data(), static_cast<std::size_t>(size));
  pass_lines();
  return true;
}

/// Passes on the whole lines in pending_, and the beginning of a line that is too long.
void Relay::pass_lines() {
  std::size_t begin = 0;
  std::string text;
  const auto add = [&](std::size_t end) {
    if (!prefix_.empty() && !in_line_) text += prefix_;
    text.append(pending_, begin, end - begin);
    in_line_ = pending_[end - 1] != '\n';
    begin = end;
  };
  for (std::size_t end = pending_.find('\n'); end != std::string::npos;
       end = pending_.find('\n', begin)) {
    add(end + 1);
  }
  if (pending_.size() - begin > line_bytes_max) add(pending_.size());
  pending_.erase(0, begin);
  target_.add(text);
}

void Relay::end() {
  if (source_ < 0) return;
  if (!pending_.empty()) {
    const std::string start = in_line_ ? std::string{} : prefix_;
    target_.add(start + pending_ + (prefix_.empty() ? "" : "\n"));
  } else if (in_line_ && !prefix_.empty()) {
    target_.add("\n");
  }
  close();
}

void Relay::close() {
  if (source_ >= 0) ::close(std::exchange(source_, -1));
}

}  // namespace launcher
