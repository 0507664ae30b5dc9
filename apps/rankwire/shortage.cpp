#include "shortage.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "rankwire/errors.hpp"

namespace launcher {
namespace {

std::string limit_text(rlim_t limit) {
  return limit == RLIM_INFINITY ? "no limit" : fmt::format("{}", limit);
}

/// A limit in words: "ulimit -n is 1024 (hard limit 4096)".
std::string limits_text(const char* name, __rlimit_resource_t which) {
  rlimit limits = {};
  getrlimit(which, &limits);
  return fmt::format("{} is {} (hard limit {})", name, limit_text(limits.rlim_cur),
                     limit_text(limits.rlim_max));
}

std::string advice(int error, int ranks) {
  constexpr int per_rank = 2, besides = 16;
  switch (error) {
    case EMFILE:
      return fmt::format("{}, and {} ranks take {} descriptors of rankwire launch; raise it",
                         limits_text("ulimit -n", RLIMIT_NOFILE), ranks,
                         per_rank * ranks + besides);
    case ENFILE:
      return "the whole system has no more open files; raise fs.file-max (sysctl)";
    case EAGAIN:
      return fmt::format(
          "no more processes or threads: {}, and a container or service may have a "
          "lower limit of its own (pids.max); raise it",
          limits_text("ulimit -u", RLIMIT_NPROC));
    default:
      return "memory has run out";
  }
}

}  // namespace

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == EAGAIN || error == ENOMEM;
}

void throw_shortage(const std::string& what, int error, int ranks) {
  if (!is_shortage(error)) {
    throw rankwire::TransportError{fmt::format("{}: {}", what, std::strerror(error))};
  }
  throw rankwire::TransportError{fmt::format("{}: {}: {}, or start fewer ranks", what,
                                             std::strerror(error), advice(error, ranks))};
}

}  // namespace launcher
