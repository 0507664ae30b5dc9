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

/// Of the first write_output that failed; 0: none has.
std::atomic<int> write_error{0};

/// Whether all was taken; else errno says why, as far as that is known.
bool flush_whole() {
  if (const int error = write_error; error != 0) {
    errno = error;
    return false;
  }
  // An earlier write may have failed: its reason is not kept by anybody.
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
  const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};  // of no use to a reader, to a writer
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    // The lowest free number is this one. What is started from here shall find it closed, too.
    (void)open("/dev/null", modes[descriptor] | O_CLOEXEC);
  }
}

void write_output(std::string_view text) noexcept {
  std::fflush(stdout);
  while (!text.empty() && write_error == 0) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // somebody made it non-blocking
      pollfd ready{STDOUT_FILENO, POLLOUT, 0};
      (void)poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      write_error = errno;
    }
  }
}

bool flush_output() {
  // Not fflush(nullptr): a thread that never comes back may hold a stream.
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
