#include "rankwire/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

/// Whether all was taken; else errno says why, as far as that is known.
bool flush_whole() {
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
