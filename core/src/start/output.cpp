#include "rankwire/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

/// The error of the first write_output that failed. 0 if none did.
std::atomic<int> write_error{0};

/// Whether stdout has taken everything. If not, errno says why, as far as that is known.
bool flush_whole() {
  if (const int error = write_error; error != 0) {
    errno = error;
    return false;
  }
  // An earlier write may have failed. Its reason was not kept.
  if (std::ferror(stdout) != 0 || std::cout.bad()) {
    errno = 0;
    return false;
  }
  errno = 0;
  std::cout.flush();
  return std::fflush(stdout) == 0 && !std::cout.bad();
}

}  // namespace

void keep_standard_descriptors() noexcept {
  const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};  // useless for a reader, useless for writers
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // open gives the lowest free number, which is this one. A process that is started from here
    // gets it closed, too.
    (void)open("/dev/null", modes[descriptor] | O_CLOEXEC);
  }
}

void write_output(std::string_view text) noexcept {
  std::fflush(stdout);
  while (!text.empty() && write_error == 0) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // another process made it non-blocking
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      (void)poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      write_error = errno;
    }
  }
}

bool flush_output() {
  // Only stdout, not all streams by fflush(nullptr): a thread that never returns may hold one.
  if (ftrylockfile(stdout) != 0) return true;
  const bool whole = flush_whole();
  const int error = errno;
  funlockfile(stdout);
  errno = error;
  return whole;
}

void finish_output() {
  if (flush_output()) return;
  const int error = errno;
  throw Error{fmt::format("stdout did not take all results: {}",
                          error != 0 ? std::strerror(error)
                                     : "its reader has gone, its disk is full, or it is closed")};
}

}  // namespace rankwire
