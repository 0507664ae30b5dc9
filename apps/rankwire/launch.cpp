#include "launch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

#include "environment.hpp"
#include "meeting.hpp"
#include "outlet.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/interrupt.hpp"
#include "rankwire/units.hpp"
#include "relay.hpp"
#include "shortage.hpp"
#include "spawn.hpp"

namespace launcher {
namespace {

using rankwire::Deadline;

std::string random_job() {
  std::random_device device;
  return fmt::format("launch-{:08x}{:08x}", device(), device());
}

/// How close to the cause an exit code is. Some codes only report what became of another rank, and
/// may be seen before its code.
int weight_of(int code) {
  if (code == static_cast<int>(rankwire::ExitCode::aborted)) return 0;
  return code == static_cast<int>(rankwire::ExitCode::peer) ? 1 : 2;
}

class World {
 public:
  explicit World(const Options& options);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int run();

 private:
  struct Rank {
    pid_t pid;
    bool running = true;
    bool stopped_by_us = false;
  };
  struct Failure {
    int code;
    int weight;  // see weight_of
  };
  struct Interrupt {
    int number;
    std::chrono::steady_clock::time_point at;
  };

  void start();
  void turn();
  void pass_output();
  void take_signals();
  void interrupt(int number, bool from_terminal);
  void reap();
  void ended(int rank, int status);
  void failed(int rank, int code, const std::string& how);
  void send_all(int signal_number);
  void stop_stragglers();
  void drain();
  void give_up_output();
  void say(const std::string& text);
  [[nodiscard]] int exit_code() const;
  [[nodiscard]] int running() const;

  const Options& options_;
  Meeting meeting_;  // kept until the ranks have ended
  int signals_ = -1;
  Outlet out_{STDOUT_FILENO, "stdout"}, err_{STDERR_FILENO, "stderr"};
  std::vector<Rank> ranks_;
  std::vector<Relay> relays_;
  std::optional<Failure> failure_;
  std::optional<Interrupt> interrupted_;  // by the first signal
  int interrupts_ = 0;
  int stop_signal_ = SIGTERM;  // the next signal for ranks that do not end
  Deadline stop_at_ = Deadline::never();
  bool told_stdout_failed_ = false;
};

World::World(const Options& options) : options_{options}, meeting_{options} {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0) throw_shortage("no descriptor for signals", errno, options.ranks);
  std::signal(SIGPIPE, SIG_IGN);
  // The parent of this program may have ignored SIGCHLD. The system would then report the end of no
  // rank, and give its pid to another process.
  std::signal(SIGCHLD, SIG_DFL);
}

/// Ranks are left here only if an exception was thrown.
World::~World() {
  for (const Rank& rank : ranks_) {
    if (!rank.running) continue;
    kill(rank.pid, SIGKILL);
    waitpid(rank.pid, nullptr, 0);
  }
  if (signals_ >= 0) close(signals_);
}

int World::run() {
  start();
  while (running() > 0) turn();
  drain();
  return exit_code();
}

void World::start() {
  const std::string job = random_job();
  for (int rank = 0; rank < options_.ranks; ++rank) {
    const Child child =
        spawn(options_.program, environment_of(rank, options_, meeting_.endpoint(), job), rank == 0,
              options_.ranks);
    ranks_.push_back({child.pid});
    const std::string prefix = fmt::format("[rank {}] ", rank);
    relays_.emplace_back(child.out, out_, options_.tag_output ? prefix : std::string{});
    relays_.emplace_back(child.err, err_, prefix);
  }
}

/// Waits until there is something to do, and does it.
void World::turn() {
  std::vector<pollfd> watched{{signals_, POLLIN, 0}};  // -1 is skipped
  for (const Outlet* const outlet : {&out_, &err_}) {
    watched.push_back({outlet->is_pending() ? outlet->target() : -1, POLLOUT, 0});
  }
  for (const Relay& relay : relays_) {
    watched.push_back({relay.can_pass() ? relay.source() : -1, POLLIN, 0});
  }
  int wait_ms = -1;
  if (!stop_at_.is_never()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(stop_at_.remaining());
    wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
  }
  poll(watched.data(), watched.size(), wait_ms);
  constexpr std::size_t before_relays = 3;
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (watched[before_relays + i].revents != 0) relays_[i].pass_on();
  }
  pass_output();
  if (watched[0].revents != 0) take_signals();
  if (stop_at_.expired()) stop_stragglers();
}

void World::pass_output() {
  out_.write_some();
  if (out_.has_failed() && !std::exchange(told_stdout_failed_, true)) {
    say(out_.failure() + "; the ranks' results are lost from here on");
  }
  err_.write_some();
  for (Relay& relay : relays_) {
    if (relay.has_failed_target()) relay.pass_on();  // closes the pipe, so that the rank notices
  }
}

void World::take_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number != SIGCHLD) interrupt(number, info.ssi_code == SI_KERNEL);
  }
  reap();
}

void World::interrupt(int number, bool from_terminal) {
  const auto now = std::chrono::steady_clock::now();
  if (interrupted_ && interrupted_->number == number &&
      now - interrupted_->at < rankwire::one_interrupt) {
    return;  // the same signal again: timeout signals this process, then its group
  }
  if (++interrupts_ > 1) {
    say("interrupted twice; killing all ranks");
    send_all(SIGKILL);
    return;
  }
  interrupted_ = {number, now};
  // A terminal's Ctrl-C has reached the ranks already, which are in the same process group. A
  // second signal would end them before they can say goodbye.
  if (!from_terminal) send_all(number);
  stop_at_ = stop_at_.sooner(options_.grace);
}

void World::reap() {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    if (!ranks_[rank].running) continue;
    int status = 0;
    const pid_t pid = waitpid(ranks_[rank].pid, &status, WNOHANG);
    if (pid == 0 || (pid < 0 && errno == EINTR)) continue;
    ranks_[rank].running = false;
    if (pid > 0) {
      ended(static_cast<int>(rank), status);
    } else {  // its status was taken elsewhere: it is no child any more
      failed(static_cast<int>(rank), 1,
             fmt::format("has ended, how is not known: {}", std::strerror(errno)));
    }
  }
}

void World::ended(int rank, int status) {
  if (WIFSIGNALED(status)) {
    const int number = WTERMSIG(status);
    failed(rank, 128 + number,
           fmt::format("was killed by signal {} ({})", number, strsignal(number)));
  } else if (WEXITSTATUS(status) != 0) {
    failed(rank, WEXITSTATUS(status), fmt::format("exited with code {}", WEXITSTATUS(status)));
  }
}

void World::failed(int rank, int code, const std::string& how) {
  const auto& process = ranks_[static_cast<std::size_t>(rank)];
  const int weight = process.stopped_by_us ? 0 : weight_of(code);
  if (weight > 0 && interrupts_ == 0)
    say(fmt::format("rank {} (pid {}) {}", rank, process.pid, how));
  if (!failure_ || weight > failure_->weight) failure_ = {code, weight};
  if (stop_at_.is_never()) stop_at_ = options_.grace;
}

void World::send_all(int signal_number) {
  for (const Rank& rank : ranks_) {
    if (rank.running) kill(rank.pid, signal_number);
  }
}

void World::stop_stragglers() {
  if (running() == 0) return;
  say(fmt::format("{} of {} ranks have not ended within {}: sending them {}", running(),
                  ranks_.size(), rankwire::duration_text(options_.grace),
                  stop_signal_ == SIGTERM ? "SIGTERM" : "SIGKILL"));
  for (Rank& rank : ranks_) rank.stopped_by_us = rank.stopped_by_us || rank.running;
  send_all(stop_signal_);
  stop_at_ = stop_signal_ == SIGTERM ? Deadline{options_.grace} : Deadline::never();
  stop_signal_ = SIGKILL;
}

/// Passes on what the ranks wrote before they ended. Does not wait for the end of the pipes: a
/// process that a rank started may hold them open, and write on. Waits for the readers of this
/// process's streams, until it is interrupted.
void World::drain() {
  constexpr int reads_max = 17;  // a pipe of the system holds a MiB at most
  std::vector<int> reads(relays_.size(), 0);
  stop_at_ = interrupts_ > 0 ? Deadline{options_.grace} : Deadline::never();
  while (true) {
    bool all = true;
    for (std::size_t i = 0; i < relays_.size(); ++i) {
      while (relays_[i].can_pass()) {
        if (!relays_[i].pass_on() || ++reads[i] == reads_max) relays_[i].end();
      }
      all = all && relays_[i].source() < 0;
    }
    pass_output();
    if (all && !out_.is_pending() && !err_.is_pending()) return;
    if (interrupts_ > 1 || stop_at_.expired()) return give_up_output();
    if (out_.is_pending() || err_.is_pending()) turn();
  }
}

void World::give_up_output() {
  for (Outlet* const outlet : {&out_, &err_}) {
    if (outlet->is_pending()) outlet->give_up("interrupted while its reader took nothing");
  }
  if (!failure_) failure_ = {128 + interrupted_->number, 0};
}

void World::say(const std::string& text) {
  err_.add(fmt::format("rankwire launch: {}\n", text));
  err_.write_some();
}

/// The exit code of the launch. Lost output is a failure, too.
int World::exit_code() const {
  const bool unwritten = out_.has_failed() || err_.has_failed();
  // A rank whose output is no longer read ends by SIGPIPE. That is not the cause.
  if (failure_ && !(unwritten && failure_->code == 128 + SIGPIPE)) return failure_->code;
  return unwritten ? static_cast<int>(rankwire::ExitCode::failure) : 0;
}

int World::running() const {
  return static_cast<int>(
      std::count_if(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.running; }));
}

}  // namespace

int launch(const Options& options) {
  return World{options}.run();
}

}  // namespace launcher
