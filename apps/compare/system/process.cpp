#include "system/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <rankwire/errors.hpp>
#include <rankwire/interrupt.hpp>
#include <utility>

namespace comparison {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds end_patience{5};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

[[noreturn]] void fail(const char* call) {
  throw rankwire::Error{fmt::format("{}: {}", call, std::strerror(errno))};
}

/// What a process writes to stderr: passed on where that is wanted, and the line kept that says
/// most of why it failed.
class Errors {
 public:
  explicit Errors(bool shown) : shown_{shown} {
    if (pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail("no pipe for another process");
  }
  ~Errors() {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_write() { close(std::exchange(ends_[1], -1)); }

  void take() {
    std::array<char, 4096> part;
    while (ends_[0] >= 0) {
      const ssize_t size = read(ends_[0], part.data(), part.size());
      if (size == 0) close(std::exchange(ends_[0], -1));
      if (size <= 0) return;
      add({part.data(), static_cast<std::size_t>(size)});
    }
  }

  /// The first line by rankwire, or else the last of all.
  [[nodiscard]] const std::string& telling() const {
    return by_rankwire_.empty() ? last_ : by_rankwire_;
  }

 private:
  static constexpr std::size_t line_max = 500;

  void add(std::string_view text) {
    for (const char c : text) {
      if (c == '\n') {
        end_line();
      } else if (line_.size() < line_max) {
        line_ += c;
      }
    }
  }
  void end_line() {
    // rankwire launch marks lines with a rank, mpiexec does not.
    if (line_.starts_with("[rank ")) line_.erase(0, std::min(line_.find("] ") + 2, line_.size()));
    if (shown_) std::fputs((line_ + "\n").c_str(), stderr);
    const std::size_t at = line_.find("rankwire: ");
    if (by_rankwire_.empty() && at != std::string::npos) by_rankwire_ = line_.substr(at);
    if (line_.find_first_not_of(" -*") != std::string::npos) last_ = line_;
    line_.clear();
  }

  bool shown_;
  std::array<int, 2> ends_{-1, -1};
  std::string line_, last_, by_rankwire_;
};

/// A process that was started; ended at the latest with this.
class Child {
 public:
  // glibc 2.36 declares pidfd_open for C only.
  explicit Child(pid_t pid) : pid_{pid}, ended_{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))} {
    if (ended_ >= 0) return;
    const int error = errno;
    kill(pid_, SIGKILL);
    reap();
    errno = error;
    fail("pidfd_open");
  }
  ~Child() {
    if (pid_ > 0) end();
    if (ended_ >= 0) close(ended_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Whether it has ended, now or within `time`; takes what it writes meanwhile, and returns early
  /// when it did.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds time, Errors& errors) const {
    std::array<pollfd, 2> items{{{ended_, POLLIN, 0}, {errors.read_end(), POLLIN, 0}}};
    poll(items.data(), items.size(), static_cast<int>(time.count()));
    errors.take();
    return items[0].revents != 0;
  }
  /// Its status, once it has ended.
  int reap() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  void end() {
    kill(pid_, SIGTERM);  // mpiexec and rankwire launch then end their ranks
    pollfd item{ended_, POLLIN, 0};
    const auto until = Clock::now() + end_patience;
    while (Clock::now() < until && poll(&item, 1, 100) != 1) {
    }
    kill(-pid_, SIGKILL);  // its group: whatever it has left behind
    reap();
  }

  pid_t pid_;
  int ended_;
};

/// posix_spawn's settings: a group of its own, every signal as usual.
class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&value_);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&value_, &all);
    posix_spawnattr_setsigmask(&value_, &none);
    posix_spawnattr_setflags(
        &value_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&value_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &value_; }

 private:
  posix_spawnattr_t value_{};
};

/// The new process's id, or nothing when there is no such program.
std::optional<pid_t> start(const Command& command, const Errors& errors) {
  std::vector<std::string> variables = command.environment;  // first, so that they win
  for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, errors.write_end(), STDERR_FILENO);
  const Attributes attributes;
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, command.arguments.front().c_str(), &files, attributes.get(),
                                 pointers(command.arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&files);
  if (error == ENOENT) return std::nullopt;
  if (error != 0) {
    throw rankwire::Error{
        fmt::format("cannot start '{}': {}", command.arguments.front(), std::strerror(error))};
  }
  return pid;
}

std::string why(int status, const Errors& errors) {
  const std::string how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status))
                                            : fmt::format("signal {}", WTERMSIG(status));
  return errors.telling().empty() ? how : fmt::format("{}: {}", how, errors.telling());
}

}  // namespace

Ended run_process(const Command& command) {
  constexpr std::chrono::milliseconds slice{100};  // a signal to this process wakes no poll
  const auto begin = Clock::now();
  Errors errors{command.shows_progress};
  const auto pid = start(command, errors);
  if (!pid) return {.started = false, .why = "there is no " + command.arguments.front()};
  Child child{*pid};
  errors.close_write();
  while (!child.ended_within(slice, errors)) {
    rankwire::check_interrupted();
    if (Clock::now() - begin > command.patience) {
      return {.why = fmt::format(
                  "did not end within {} s{}{}", command.patience.count(),
                  errors.telling().empty() ? "" : "; its last words: ", errors.telling())};
    }
  }
  Ended ended{.seconds = std::chrono::duration<double>{Clock::now() - begin}.count()};
  errors.take();
  const int status = child.reap();
  ended.well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!ended.well) ended.why = why(status, errors);
  return ended;
}

std::optional<double> time_process(const std::vector<std::string>& command,
                                   const std::vector<std::string>& environment) {
  const Ended ended = run_process({.arguments = command, .environment = environment});
  if (!ended.started) return std::nullopt;
  if (ended.well) return ended.seconds;
  throw rankwire::Error{
      fmt::format("'{}': {}; try it by hand", fmt::join(command, " "), ended.why)};
}

std::string program_beside(const char* name) {
  const auto path = std::filesystem::read_symlink("/proc/self/exe").replace_filename(name);
  return access(path.c_str(), X_OK) == 0 ? path.string() : std::string{};
}

}  // namespace comparison
