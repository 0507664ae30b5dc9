#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <deque>
#include <filesystem>
#include <thread>

#include "reach/open_files.hpp"
#include "zmq_sockets.hpp"
#include "zmq_stranger.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
namespace wire = rankwire::zmq_wire;

// Strangers by the thousand at a process that may have few files.

namespace {

constexpr rlim_t files_max = 256;
constexpr int strangers = 3000, at_once = 300, held_max = 1500;

/// The master of a world of two, in a process of its own: a limit that it cannot raise is for good.
class MasterProcess {
 public:
  explicit MasterProcess(const std::string& endpoint) : process_{fork()} {
    if (process_ == 0) _exit(serve(endpoint));
  }
  ~MasterProcess() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  MasterProcess(const MasterProcess&) = delete;
  MasterProcess& operator=(const MasterProcess&) = delete;

  [[nodiscard]] std::size_t files() const {
    std::error_code failed;
    const std::filesystem::directory_iterator all{"/proc/" + std::to_string(process_) + "/fd",
                                                  failed};
    return failed ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  [[nodiscard]] int exit_code() {
    int status = 0;
    const pid_t ended = waitpid(std::exchange(process_, -1), &status, 0);
    return ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  static int serve(const std::string& endpoint) try {
    const rlimit few{files_max, files_max};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 2;
    auto with = settings();
    with.listen = endpoint;
    with.ranks = 2;
    with.join_timeout = 2 * patience;
    const auto world = rankwire::zmq_wire::open_zmq(with);
    rankwire::send(*world, 1, 1, rankwire::recv<int>(*world, 1, 1, patience) + 1);
    world->close(patience);
    return 0;
  } catch (const std::exception&) {
    return 1;
  }

  pid_t process_;
};

/// So many, who stand or try to, and say nothing. The oldest go when there are too many.
class Crowd {
 public:
  explicit Crowd(const std::string& endpoint)
      : there_{wire::socket_address("127.0.0.1", static_cast<std::uint16_t>(std::stoi(
                                                     endpoint.substr(endpoint.rfind(':') + 1))))} {
    getrlimit(RLIMIT_NOFILE, &before_);
    wire::raise_file_limit();
  }
  ~Crowd() {
    sockets_.clear();
    setrlimit(RLIMIT_NOFILE, &before_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void call(int count) {
    for (int i = 0; i < count; ++i) {
      if (sockets_.size() >= held_max) sockets_.pop_front();
      sockets_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      REQUIRE(sockets_.back());
      (void)::connect(sockets_.back().get(), there_.get(), there_.length);
    }
  }

 private:
  wire::SocketAddress there_;
  rlimit before_{};
  std::deque<wire::Descriptor> sockets_;
};

}  // namespace

TEST_CASE("crowd: thousands of strangers leave a master with few files enough for its ranks") {
  const auto endpoint = conformance::free_endpoint();
  MasterProcess master{endpoint};
  { const RawStranger first{endpoint}; }  // it listens
  const std::size_t before = master.files();
  REQUIRE(before > 0);
  std::size_t most = 0;
  Crowd crowd{endpoint};
  crowd.call(at_once);
  auto joining = worker(endpoint, 1);
  for (int called = at_once; called < strangers; called += at_once) {
    crowd.call(at_once);
    std::this_thread::sleep_for(100ms);
    most = std::max(most, master.files());
  }
  MESSAGE("at most " << most << " files, " << before << " before");
  // A quarter are for strangers, and some more come before the oldest go.
  constexpr std::size_t of_strangers = files_max / 4 + files_max / 4 / 8 + 1;
  // Sooner than their silence would end them, too.
  const rankwire::Deadline end = 2s;
  while (master.files() > before + of_strangers && !end.expired())
    std::this_thread::sleep_for(10ms);
  CHECK(master.files() <= before + of_strangers);
  const auto world = joining.get();
  rankwire::send(*world, 0, 1, 41);
  CHECK(rankwire::recv<int>(*world, 0, 1, patience) == 42);
  world->close(patience);
  CHECK(master.exit_code() == 0);
}
