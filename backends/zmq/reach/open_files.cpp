#include "reach/open_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>

#include "rankwire/errors.hpp"
#include "reach/descriptor.hpp"

namespace rankwire::zmq_wire {
namespace {

/// Nothing if there is no limit.
std::optional<rlimit> limits() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return files;
}

/// The limit in words: "ulimit -n is 20 (hard limit 20); raise it".
std::string advice() {
  const auto files = limits();
  if (!files) return "raise ulimit -n";
  return fmt::format("ulimit -n is {} (hard limit {}); raise it", files->rlim_cur, files->rlim_max);
}

}  // namespace

void raise_file_limit() {
  auto files = limits();
  if (!files || files->rlim_cur >= files->rlim_max) return;
  files->rlim_cur = files->rlim_max;
  setrlimit(RLIMIT_NOFILE, &*files);
}

void check_files_left(std::size_t more, const std::string& who) {
  const auto files = limits();
  if (!files) return;
  std::error_code failed;
  const std::filesystem::directory_iterator open{"/proc/self/fd", failed};
  if (failed && failed.value() != EMFILE && failed.value() != ENFILE) return;  // not to be known
  const auto used = failed ? static_cast<std::ptrdiff_t>(files->rlim_cur)
                           : std::distance(begin(open), end(open)) - 1;  // the folder itself
  if (static_cast<std::size_t>(used) + more <= files->rlim_cur) return;
  throw TransportError{
      fmt::format("{} needs about {} open files besides the {} that this process has, and {}, or "
                  "use fewer ranks",
                  who, more, used, advice())};
}

std::string file_shortage() {
  const Descriptor any{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (any || (errno != EMFILE && errno != ENFILE)) return {};
  const int error = errno;
  return fmt::format("no connection can be accepted: {}: {}", std::strerror(error),
                     error == EMFILE ? advice() + ", or use fewer ranks"
                                     : "the whole system has no more; raise fs.file-max (sysctl)");
}

}  // namespace rankwire::zmq_wire
