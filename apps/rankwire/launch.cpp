#include "launch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>

#include "meeting.hpp"
#include "rankwire/deadline.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/units.hpp"
#include "relay.hpp"
#include "spawn.hpp"

namespace launcher {
namespace {

using rankwire::Deadline;

void say(const std::string& text) {
  const std::string line = fmt::format("rankwire launch: {}\n", text);
  std::fputs(line.c_str(), stderr);
}

std::string random_job() {
  std::random_device device;
  return fmt::format("launch-{:08x}{:08x}", device(), device());
}

/// This process's variables, with how `rank` meets the others said anew.
std::vector<std::string> environment_of(int rank, const Options& options,
                                        const std::string& meeting, const std::string& job) {
  std::vector<std::string> own{"RANKWIRE_TRANSPORT=zmq", "RANKWIRE_JOB=" + job,
                               fmt::format("RANKWIRE_RANKS={}", options.ranks)};
  if (rank == 0) {
    own.push_back("RANKWIRE_LISTEN=" + meeting);
  } else {
    own.push_back("RANKWIRE_JOIN=" + meeting);
    own.push_back(fmt::format("RANKWIRE_RANK={}", rank));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    constexpr std::array said_anew{"RANKWIRE_TRANSPORT", "RANKWIRE_JOB",  "RANKWIRE_RANKS",
                                   "RANKWIRE_LISTEN",    "RANKWIRE_JOIN", "RANKWIRE_RANK"};
    // For one process, or one role, on a network; these ranks share one machine.
    constexpr std::array left_out{"RANKWIRE_KEY",        "RANKWIRE_ALLOW",
                                  "RANKWIRE_SERVER_KEY", "RANKWIRE_ADDRESS_FILE",
                                  "RANKWIRE_ADVERTISE",  "RANKWIRE_PORT_RANGE"};
    if (std::find(said_anew.begin(), said_anew.end(), name) == said_anew.end() &&
        std::find(left_out.begin(), left_out.end(), name) == left_out.end()) {
      own.emplace_back(text);
    }
  }
  return own;
}

/// How near to the cause an exit code is: some only report what became of another rank, and may be
/// seen before it.
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

  void start();
  void turn();
  void take_signals();
  void reap();
  void ended(int rank, int status);
  void send_all(int signal_number);
  void stop_stragglers();
  void drain();
  [[nodiscard]] int running() const;

  const Options& options_;
  Meeting meeting_;  // given up after the ranks have ended
  int signals_ = -1;
  std::vector<Rank> ranks_;
  std::vector<Relay> relays_;
  std::optional<Failure> failure_;
  int interrupts_ = 0;
  int stop_signal_ = SIGTERM;  // what stragglers get next
  Deadline stop_at_ = Deadline::never();
};

World::World(const Options& options) : options_{options}, meeting_{options} {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals_ < 0)
    throw rankwire::TransportError{"signalfd failed: " + std::string{std::strerror(errno)}};
  std::signal(SIGPIPE, SIG_IGN);
}

/// With ranks left only when an exception passes.
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
  return failure_ ? failure_->code : 0;
}

void World::start() {
  const std::string job = random_job();
  for (int rank = 0; rank < options_.ranks; ++rank) {
    const Child child = spawn(options_.program,
                              environment_of(rank, options_, meeting_.endpoint(), job), rank == 0);
    ranks_.push_back({child.pid});
    const std::string prefix = fmt::format("[rank {}] ", rank);
    relays_.emplace_back(child.out, STDOUT_FILENO, options_.tag_output ? prefix : std::string{});
    relays_.emplace_back(child.err, STDERR_FILENO, prefix);
  }
}

void World::turn() {
  std::vector<pollfd> watched{{signals_, POLLIN, 0}};
  for (const Relay& relay : relays_)
    watched.push_back({relay.source(), POLLIN, 0});  // -1 is skipped
  int wait_ms = -1;
  if (!stop_at_.is_never()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(stop_at_.remaining());
    wait_ms = static_cast<int>(std::min<std::int64_t>(left.count(), 60'000));
  }
  poll(watched.data(), watched.size(), wait_ms);
  for (std::size_t i = 0; i < relays_.size(); ++i) {
    if (watched[i + 1].revents != 0) relays_[i].pass_on();
  }
  if (watched[0].revents != 0) take_signals();
  if (stop_at_.expired()) stop_stragglers();
}

void World::take_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof info) == sizeof info) {
    const int number = static_cast<int>(info.ssi_signo);
    if (number == SIGCHLD) continue;
    if (++interrupts_ > 1) {
      say("interrupted twice; killing all ranks");
      send_all(SIGKILL);
      continue;
    }
    // A terminal's Ctrl-C has reached the ranks already: they are of the same process group, and a
    // second one would end them before they could say goodbye.
    const bool from_terminal = info.ssi_code == SI_KERNEL;
    if (!from_terminal) send_all(number);
    stop_at_ = stop_at_.sooner(options_.grace);
  }
  reap();
}

void World::reap() {
  for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
    int status = 0;
    if (ranks_[rank].running && waitpid(ranks_[rank].pid, &status, WNOHANG) > 0) {
      ranks_[rank].running = false;
      ended(static_cast<int>(rank), status);
    }
  }
}

void World::ended(int rank, int status) {
  const auto& process = ranks_[static_cast<std::size_t>(rank)];
  const bool killed = WIFSIGNALED(status);
  const int code = killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (code == 0) return;
  const int weight = process.stopped_by_us ? 0 : weight_of(code);
  if (weight > 0 && interrupts_ == 0) {
    say(killed ? fmt::format("rank {} (pid {}) was killed by signal {} ({})", rank, process.pid,
                             WTERMSIG(status), strsignal(WTERMSIG(status)))
               : fmt::format("rank {} (pid {}) exited with code {}", rank, process.pid, code));
  }
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

/// What the ranks wrote before they ended. Does not wait for the end of the pipes: a process that a
/// rank started may hold them open.
void World::drain() {
  for (Relay& relay : relays_) {
    while (relay.source() >= 0 && relay.pass_on()) {
    }
  }
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
