#include "spawn.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "shortage.hpp"

namespace launcher {
namespace {

struct Pipe {
  int read = -1;
  int write = -1;

  explicit Pipe(int ranks) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw_shortage("no pipe for another rank", errno, ranks);
    read = ends[0];
    write = ends[1];
  }
  ~Pipe() {
    if (read >= 0) close(read);
    if (write >= 0) close(write);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void close_write() { close(std::exchange(write, -1)); }
  int take_read() { return std::exchange(read, -1); }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts) all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

struct Plan {
  char* const* program;
  char* const* environment;
  int out, err, failed;
  bool reads_stdin;
  pid_t parent;
};

/// What the child reports if it cannot run the program.
struct Refusal {
  bool by_exec;
  int error;
};

/// Runs in the child, between fork and exec. Makes system calls only.
[[noreturn]] void become(const Plan& plan) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(1);  // the parent died before prctl
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  bool ready = dup2(plan.out, STDOUT_FILENO) >= 0 && dup2(plan.err, STDERR_FILENO) >= 0;
  if (!plan.reads_stdin) {
    const int nothing = open("/dev/null", O_RDONLY);
    ready = ready && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0;
    if (nothing > STDIN_FILENO) close(nothing);
  }
  if (ready) execvpe(plan.program[0], plan.program, plan.environment);
  const Refusal refusal{ready, errno};
  [[maybe_unused]] const auto written = write(plan.failed, &refusal, sizeof refusal);
  _exit(1);
}

/// What to try after exec has refused `program`. Empty if the system's own words are enough.
std::string advice(const std::string& program, int error) {
  const bool is_path = program.find('/') != std::string::npos;
  const std::string path = is_path ? program : "./" + program;
  struct stat found {};
  const bool is_here = stat(path.c_str(), &found) == 0 && !S_ISDIR(found.st_mode);
  const bool may_run = is_here && access(path.c_str(), X_OK) == 0;
  const std::string shown = rankwire::printable_path(path);
  if (is_here && !may_run) {
    return fmt::format("; the file {0} is not executable: try chmod +x {0}", shown);
  }
  if (error != ENOENT) return {};
  if (is_path) return is_here ? "; the file is there, but not the interpreter that it names" : "";
  return fmt::format("; a name without / is searched in PATH; {}",
                     is_here ? fmt::format("say {} for the file in this folder", shown)
                             : std::string{"say the path of the program"});
}

}  // namespace

Child spawn(const std::vector<std::string>& program, const std::vector<std::string>& environment,
            bool reads_stdin, int ranks) {
  Pipe out{ranks}, err{ranks}, failed{ranks};
  const auto arguments = pointers(program);
  const auto variables = pointers(environment);
  const Plan plan{arguments.data(), variables.data(), out.write, err.write,
                  failed.write,     reads_stdin,      getpid()};
  const pid_t pid = fork();
  if (pid == 0) become(plan);
  if (pid < 0) throw_shortage("no process for another rank", errno, ranks);
  failed.close_write();
  Refusal refusal{};
  ssize_t size = 0;
  do {
    size = read(failed.read, &refusal, sizeof refusal);
  } while (size < 0 && errno == EINTR);
  if (size == sizeof refusal) {  // a successful exec closes the pipe unwritten
    waitpid(pid, nullptr, 0);
    if (!refusal.by_exec || is_shortage(refusal.error)) {
      throw_shortage("another rank cannot be started", refusal.error, ranks);
    }
    throw rankwire::UsageError{fmt::format(
        "cannot start the program '{}': {}{}", rankwire::printable_path(program.front()),
        std::strerror(refusal.error), advice(program.front(), refusal.error))};
  }
  return {pid, out.take_read(), err.take_read()};
}

}  // namespace launcher
