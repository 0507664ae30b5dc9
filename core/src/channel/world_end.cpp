#include "rankwire/backend/world_end.hpp"

#include <fmt/format.h>

#include <new>

#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"

namespace rankwire {

bool WorldEnd::record(int rank, const std::string& host, int pid, int exit_code,
                      const std::string& cause) noexcept {
  const std::lock_guard lock{mutex_};
  if (has_come()) return false;
  rank_ = rank;
  pid_ = pid;
  exit_code_ = exit_code;
  try {
    host_ = host;
    cause_ = cause;
  } catch (const std::bad_alloc&) {  // without the texts then
  }
  has_come_.store(true, std::memory_order_release);
  return true;
}

void WorldEnd::throw_aborted() const {
  const std::string name =
      host_.empty() ? name_of(rank_, host_name(), process_id()) : name_of(rank_, host_, pid_);
  throw Aborted{fmt::format("{} ended the world: {}", name, cause_), rank_, exit_code_};
}

}  // namespace rankwire
