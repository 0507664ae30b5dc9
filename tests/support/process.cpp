#include "process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace support {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

/// What this process runs in, without what would make a program believe it was launched.
std::vector<std::string> environment_of(const Command& command) {
  auto variables = command.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    const auto launched = {"RANKWIRE_", "OMPI_COMM_", "PMI_", "PMIX_", "SLURM_"};
    const bool leave_out = std::any_of(launched.begin(), launched.end(), [&](const char* prefix) {
      return name.starts_with(prefix);
    });
    if (!leave_out && name.size() < text.size()) {
      variables.emplace(name, text.substr(name.size() + 1));
    }
  }
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (auto& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

struct Pipes {
  int out[2], err[2];
  Pipes() {
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) {
      throw std::runtime_error{"no pipes for another process"};
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
  }
};

/// In the child, between fork and exec.
[[noreturn]] void become(const Pipes& pipes, const char* stdout_to, char** arguments,
                         char** environment) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // mpiexec then ends its ranks too
  setpgid(0, 0);
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int out = *stdout_to != '\0' ? open(stdout_to, O_WRONLY | O_CREAT, 0600) : pipes.out[1];
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(pipes.err[1], STDERR_FILENO);
  execvpe(arguments[0], arguments, environment);
  _exit(127);
}

}  // namespace

Process::Process(const Command& command)
    : name_{fmt::format("{}", fmt::join(command.arguments, " "))} {
  auto texts = command.arguments;
  auto variables = environment_of(command);
  const auto arguments = pointers(texts);
  const auto environment = pointers(variables);
  const Pipes pipes;
  pid_ = fork();
  if (pid_ == 0) {
    become(pipes, command.stdout_to.c_str(), const_cast<char**>(arguments.data()),
           const_cast<char**>(environment.data()));
  }
  close(pipes.out[1]);
  close(pipes.err[1]);
  out_ = pipes.out[0];
  err_ = pipes.err[0];
  if (pid_ < 0) throw std::runtime_error{"no process for: " + name_};
}

Process::Process(Process&& other) noexcept
    : pid_{std::exchange(other.pid_, -1)},
      out_{std::exchange(other.out_, -1)},
      err_{std::exchange(other.err_, -1)},
      running_{std::exchange(other.running_, false)},
      name_{std::move(other.name_)},
      result_{std::move(other.result_)} {}

Process::~Process() {
  if (running_ && pid_ > 0) {
    // Politely first: a launcher that is killed cannot end its ranks.
    kill(pid_, SIGTERM);
    for (const auto until = Clock::now() + 5s; running_ && Clock::now() < until && !ended();) {
      take_output(20ms);
    }
    if (running_) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  if (out_ >= 0) close(out_);
  if (err_ >= 0) close(err_);
}

void Process::send_signal(int number) const {
  if (running_) kill(pid_, number);
}

/// Reads what there is, waiting at most `wait` for the first of it.
void Process::take_output(std::chrono::milliseconds wait) {
  std::array<pollfd, 2> watched{{{out_, POLLIN, 0}, {err_, POLLIN, 0}}};
  poll(watched.data(), watched.size(), static_cast<int>(wait.count()));
  const auto read_all = [](int& source, std::string& target) {
    std::array<char, 65536> part;
    while (source >= 0) {
      const ssize_t size = read(source, part.data(), part.size());
      if (size == 0) close(std::exchange(source, -1));
      if (size <= 0) return;
      const auto room = output_bytes_max - std::min(output_bytes_max, target.size());
      target.append(part.data(), std::min(static_cast<std::size_t>(size), room));
    }
  };
  read_all(out_, result_.out);
  read_all(err_, result_.err);
}

bool Process::ended() {
  int status = 0;
  if (running_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    running_ = false;
    result_.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  return !running_;
}

void Process::fail(const std::string& why) {
  throw std::runtime_error{
      fmt::format("{}: {}\nstdout:\n{}\nstderr:\n{}", name_, why, result_.out, result_.err)};
}

Result Process::wait(std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  while (!ended()) {
    if (Clock::now() >= until) fail(fmt::format("did not end within {} ms", timeout.count()));
    if (out_ < 0 && err_ < 0) usleep(5000);
    take_output(20ms);
  }
  take_output(0ms);
  return result_;
}

void Process::wait_for_text(const std::string& text, std::chrono::milliseconds timeout) {
  const auto until = Clock::now() + timeout;
  const auto written = [&] {
    return result_.out.find(text) != std::string::npos ||
           result_.err.find(text) != std::string::npos;
  };
  while (!written()) {
    const bool over = ended();
    take_output(over ? 0ms : 20ms);
    if (written()) return;
    if (over) fail(fmt::format("ended with {} and never wrote '{}'", result_.code, text));
    if (Clock::now() >= until) fail(fmt::format("did not write '{}' in time", text));
  }
}

Result run(const Command& command, std::chrono::milliseconds timeout) {
  return Process{command}.wait(timeout);
}

}  // namespace support
