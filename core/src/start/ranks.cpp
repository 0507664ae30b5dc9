#include "start/ranks.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "rankwire/backend/host.hpp"
#include "rankwire/errors.hpp"
#include "rankwire/output.hpp"
#include "rankwire/units.hpp"
#include "start/exit_guard.hpp"

namespace rankwire {
namespace {

/// The ranks of one process, while they run.
class Team {
 public:
  Team(std::vector<std::unique_ptr<Channel>> channels, const RankFunction& function,
       const Endings& endings)
      : endings_{endings},
        channels_{std::move(channels)},
        function_{function},
        codes_(channels_.size(), 0) {
    // Until the rank returns, its code is this: a master whose thread ends by pthread_exit has not
    // done its part. What the same means for a worker is up to the master.
    codes_.front() = static_cast<int>(ExitCode::peer);
  }

  int run(std::chrono::milliseconds patience);

 private:
  using Clock = std::chrono::steady_clock;
  struct Failure {
    int code;
    Clock::time_point at;
  };

  void run_rank(std::size_t index);
  int end_world(Channel& channel, const std::exception& error);
  void start_threads();
  void wait(std::chrono::milliseconds patience);
  void finished(std::size_t count);
  [[nodiscard]] int exit_code() const;
  /// Whether this is a process that a rank has forked, and that came back here. The ranks go on in
  /// the other one; a thread that does not exist here may hold locks.
  [[nodiscard]] bool is_forked() const { return process_id() != process_; }

  const int process_ = process_id();
  const Endings endings_;
  std::vector<std::unique_ptr<Channel>> channels_;
  const RankFunction& function_;
  std::vector<int> codes_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;  // guards the members below
  std::condition_variable changed_;
  std::size_t running_ = 0;
  std::optional<Failure> failure_;  // the first failure
};

int Team::run(std::chrono::milliseconds patience) {
  if (endings_.guards_exit) guard_exit();
  if (channels_.size() == 1) {
    run_rank(0);
    return exit_code();
  }
  start_threads();
  wait(patience);
  for (auto& thread : threads_) thread.join();
  return exit_code();
}

void Team::run_rank(std::size_t index) {
  // Destroyed on every way out. A thread that ends by pthread_exit leaves no code and no goodbye;
  // the others then see its rank lost, as if its process had been killed.
  const std::unique_ptr<Channel> channel = std::move(channels_[index]);
  guard_rank(channel->rank());
  try {
    codes_[index] = exit_status(function_(*channel));
    channel->close(Deadline::never());
  } catch (const std::exception& error) {
    codes_[index] = end_world(*channel, error);
  } catch (...) {
    // pthread_exit unwinds by something that is not a C++ exception, and must go on. (If it were
    // caught as abi::__forced_unwind, it would be a reference to null.)
    if (!std::current_exception()) throw;
    codes_[index] = end_world(*channel, Error{"threw something that is no std::exception"});
  }
}

/// The text without "rank 3: ", with which errors of a channel begin: the line that it goes into
/// names the rank already.
std::string_view without_rank(std::string_view text, int rank) {
  const std::string name = fmt::format("rank {}: ", rank);
  return text.starts_with(name) ? text.substr(name.size()) : text;
}

int Team::end_world(Channel& channel, const std::exception& error) {
  const int code = exit_code_of(error);
  const std::string_view why = without_rank(error.what(), channel.rank());
  if (is_forked()) {
    say(fmt::format("process {}, forked from rank {}: {}", process_id(), channel.rank(), why));
    return code;
  }
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = !failure_;
    if (first) failure_ = {code, Clock::now()};
    changed_.notify_all();
  }
  const bool aborted = dynamic_cast<const Aborted*>(&error) != nullptr;
  const bool echo = aborted || dynamic_cast<const Interrupted*>(&error) != nullptr;
  // A process writes one line for one cause. It writes none for its launcher's SIGTERM: the
  // launcher has told why.
  const bool silent = (!first && echo) || (code == 128 + SIGTERM && endings_.launcher_ends_world);
  if (!silent) {
    say(fmt::format("{}{}: {}{}", name_of(channel.rank(), host_name(), process_id()),
                    aborted ? " ends" : "", why,
                    aborted || channel.size() == 1 ? "" : "; this ends the world"));
  }
  (void)flush_output();  // over MPI the abort does not return
  if (!aborted) channel.abort(code, std::string{why});
  return code;
}

void Team::start_threads() {
  running_ = channels_.size();
  for (std::size_t index = 0; index < codes_.size(); ++index) {
    try {
      threads_.emplace_back([this, index] {
        const std::shared_ptr<void> at_end{nullptr, [this](void*) { finished(1); }};
        run_rank(index);
        if (is_forked()) std::exit(codes_[index]);  // no main thread exists here to return to
      });
    } catch (const std::system_error& error) {
      Channel& channel = *channels_[index];
      codes_[index] = end_world(
          channel, TransportError{fmt::format(
                       "no thread for this rank of {}: {}; use fewer ranks, or raise ulimit -u",
                       channel.size(), error.code().message())});
      finished(codes_.size() - index);
      return;
    }
  }
}

void Team::finished(std::size_t count) {
  if (is_forked()) return;
  const std::lock_guard lock{mutex_};
  running_ -= count;
  changed_.notify_all();
}

void Team::wait(std::chrono::milliseconds patience) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return running_ == 0 || failure_; });
  if (running_ == 0) return;
  const auto until = failure_->at + patience;
  if (changed_.wait_until(lock, until, [this] { return running_ == 0; })) return;
  say(fmt::format(
      "{} of {} ranks did not come back within {} of the world's end; ending the process", running_,
      codes_.size(), duration_text(patience)));
  (void)flush_output();
  std::_Exit(failure_->code);  // threads of ranks may use what a return would destroy
}

int Team::exit_code() const {
  if (failure_) return failure_->code;
  for (const int code : codes_) {
    if (code != 0) return code;
  }
  return 0;
}

}  // namespace

int run_ranks(std::vector<std::unique_ptr<Channel>> channels, const RankFunction& function,
              std::chrono::milliseconds patience, const Endings& endings) {
  const int code = Team{std::move(channels), function, endings}.run(patience);
  end_guard();
  return code;
}

void say(std::string_view text) {
  std::string line = fmt::format("rankwire: {}", text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  line += '\n';
  std::fputs(line.c_str(), stderr);
}

}  // namespace rankwire
