#include "start/exit_guard.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/output.hpp"
#include "start/ranks.hpp"

namespace rankwire {
namespace {

std::atomic<pid_t> guarded{0};  // the process in which the guard is on; 0: none
thread_local int own_rank = -1;

/// Ends the process in place of exit, which would exit with 0. Destroys nothing more: threads of
/// other ranks may still use what exit destroys.
[[noreturn]] void end_badly(const char* how) {
  const std::string who = own_rank < 0 ? "" : name_of(own_rank, host_name(), process_id()) + ": ";
  say(
      fmt::format("{}the process was ended by {} before all ranks had returned; a rank ends by "
                  "returning from its function",
                  who, how));
  (void)flush_output();
  std::_Exit(static_cast<int>(ExitCode::peer));
}

bool is_guarded() {
  return guarded.load() == getpid();
}

void at_quick() {
  if (is_guarded()) end_badly("quick_exit");
}

#if defined(__GLIBC__)
void at_end(int status, void*) {
  if (is_guarded() && exit_status(status) == 0) end_badly("exit(0)");
}
void watch_exit() {
  on_exit(at_end, nullptr);
}
#else
void at_end() {  // it is not told the exit status
  if (is_guarded()) end_badly("exit");
}
void watch_exit() {
  std::atexit(at_end);
}
#endif

}  // namespace

void guard_exit() {
  static const bool watched = [] {
    watch_exit();
    std::at_quick_exit(at_quick);
    return true;
  }();
  static_cast<void>(watched);
  guarded = getpid();
}

void end_guard() {
  guarded = 0;
}

void guard_rank(int rank) {
  own_rank = rank;
}

}  // namespace rankwire
