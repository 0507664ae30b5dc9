#include "process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <rankwire/errors.hpp>
#include <rankwire/interrupt.hpp>

namespace comparison {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};
constexpr std::chrono::seconds end_patience{5};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

/// Becomes readable when the process ends. (glibc 2.36 declares pidfd_open for C only.)
int open_descriptor(pid_t pid) {
  const auto descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor >= 0) return descriptor;
  throw rankwire::Error{fmt::format("pidfd_open: {}", std::strerror(errno))};
}

/// A process that was started; ended at the latest with this.
class Child {
 public:
  explicit Child(pid_t pid) : pid_{pid}, descriptor_{open_descriptor(pid)} {}
  ~Child() {
    if (pid_ > 0) end();
    if (descriptor_ >= 0) close(descriptor_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Whether it has ended, now or within `time`.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds time) const {
    pollfd item{descriptor_, POLLIN, 0};
    return poll(&item, 1, static_cast<int>(time.count())) == 1;
  }
  /// Its status, once it has ended.
  int reap() {
    int status = 0;
    rusage usage{};
    while (wait4(pid_, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  /// Politely first: mpiexec then ends its ranks.
  void end() {
    kill(pid_, SIGTERM);
    if (!ended_within(end_patience)) kill(pid_, SIGKILL);
    reap();
  }

  pid_t pid_;
  int descriptor_;
};

/// The new process's id, or nothing when there is no such program.
std::optional<pid_t> start(const std::vector<std::string>& command,
                           const std::vector<std::string>& environment) {
  std::vector<std::string> variables = environment;  // first, so that they win
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t ignored_here;
  sigemptyset(&ignored_here);
  sigaddset(&ignored_here, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &ignored_here);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, command.front().c_str(), &files, &attributes,
                                 pointers(command).data(), pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT) return std::nullopt;
  if (error != 0) {
    throw rankwire::Error{
        fmt::format("cannot start '{}': {}", command.front(), std::strerror(error))};
  }
  return pid;
}

}  // namespace

std::optional<double> time_process(const std::vector<std::string>& command,
                                   const std::vector<std::string>& environment) {
  constexpr std::chrono::milliseconds slice{100};  // a signal to this process wakes no poll
  const auto begin = Clock::now();
  const auto pid = start(command, environment);
  if (!pid) return std::nullopt;
  Child child{*pid};
  while (!child.ended_within(slice)) {
    rankwire::check_interrupted();
    if (Clock::now() - begin > patience) {
      throw rankwire::Error{
          fmt::format("'{}' did not end within {} s", fmt::join(command, " "), patience.count())};
    }
  }
  const double seconds = std::chrono::duration<double>{Clock::now() - begin}.count();
  const int status = child.reap();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw rankwire::Error{fmt::format("'{}' failed: {} {}; try it by hand", fmt::join(command, " "),
                                      WIFEXITED(status) ? "exit code" : "signal",
                                      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status))};
  }
  return seconds;
}

}  // namespace comparison
