#include <doctest/doctest.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "../conformance/free_port.hpp"
#include "rankwire/interrupt.hpp"
#include "rankwire/rankwire.hpp"

// Programs that open a world without run(), and what becomes of their process. Each case is run in
// a process of its own (CMakeLists.txt).

using namespace rankwire;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

Settings quiet() {
  Settings settings;
  settings.log_level = "off";
  return settings;
}

/// How the process takes signals, and where its large blocks come from.
struct Habits {
  std::array<void (*)(int), 4> handlers{};
  bool maps_large_blocks = false;
  bool operator==(const Habits&) const = default;

  static Habits now() {
    Habits habits;
    constexpr std::array signals{SIGINT, SIGTERM, SIGPIPE, SIGCHLD};
    for (std::size_t i = 0; i < signals.size(); ++i) {
      struct sigaction action = {};
      sigaction(signals[i], nullptr, &action);
      habits.handlers[i] = action.sa_handler;
    }
    habits.maps_large_blocks = maps();
    return habits;
  }

 private:
  /// Blocks that are freed make glibc take larger ones from its heap, so it is kept.
  static bool maps() {
    const auto before = mallinfo2().hblks;
    static std::vector<void*> kept;
    kept.push_back(std::malloc(std::size_t{16} << 20));
    return mallinfo2().hblks > before;
  }
};

/// Each rank tells the next its number, and hears the number of the one before.
bool round_of(Channel& world) {
  constexpr int tag = 1;
  const int next = (world.rank() + 1) % world.size();
  const int before = (world.rank() + world.size() - 1) % world.size();
  send(world, next, tag, world.rank());
  return recv<int>(world, before, tag, patience) == before;
}

/// What the process's own rank does, start to end.
bool ring(const Settings& settings) {
  World world = open(settings);
  const bool heard = round_of(world.channel());
  world.close(patience);
  return heard;
}

template <class Act>
std::string refusal(const Act& act) {
  try {
    act();
  } catch (const UsageError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string{"another exception: "} + error.what();
  }
  return "accepted";
}

void check_refused(const Settings& settings, const std::string& part) {
  const std::string text = refusal([&] { (void)open(settings); });
  CAPTURE(text);
  CHECK(text.find(part) != std::string::npos);
}

Settings with_option(const std::string& name, const std::string& text) {
  Settings settings = quiet();
  settings.options[name] = text;
  return settings;
}

}  // namespace

TEST_CASE("one process") {
  const Habits before = Habits::now();
  close(STDIN_FILENO);
  Settings settings = quiet();
  settings.ranks = 1;
  CHECK(ring(settings));
  settings.ranks = 3;
  World world = open(settings);
  REQUIRE(world.channels().size() == 3);
  CHECK(refusal([&] { (void)world.channel(); }).find("3 ranks live") != std::string::npos);
  std::array<bool, 3> heard{};
  std::vector<std::thread> threads;
  for (const std::unique_ptr<Channel>& channel : world.channels()) {
    threads.emplace_back(
        [&] { heard.at(static_cast<std::size_t>(channel->rank())) = round_of(*channel); });
  }
  for (auto& thread : threads) thread.join();
  CHECK(heard == std::array{true, true, true});
  world.close();
  CHECK_THROWS_AS((void)world.channels()[0]->recv(1, 1, 0s), UsageError);
  const World moved = std::move(world);
  CHECK(moved.channels().size() == 3);
  CHECK(refusal([&] { (void)world.channel(); }).find("moved from") != std::string::npos);
  CHECK(fcntl(STDIN_FILENO, F_GETFD) == -1);
  CHECK(Habits::now() == before);
}

TEST_CASE("one process: a world that is not closed is lost") {
  Settings settings = quiet();
  settings.ranks = 2;
  auto channels = open(settings).release();
  {
    World gone{[&] {
      std::vector<std::unique_ptr<Channel>> one;
      one.push_back(std::move(channels[1]));
      return one;
    }()};
  }
  CHECK_THROWS_AS((void)channels[0]->recv(1, 1, patience), PeerLost);
}

TEST_CASE("zmq") {
  const Habits before = Habits::now();
  const std::string endpoint = conformance::free_endpoint();
  const pid_t worker = fork();
  REQUIRE(worker >= 0);
  if (worker == 0) {
    try {
      std::_Exit(ring(with_option("join", endpoint)) && Habits::now() == before ? 0 : 1);
    } catch (const std::exception&) {
      std::_Exit(2);
    }
  }
  Settings settings = with_option("listen", endpoint);
  settings.ranks = 2;
  CHECK(ring(settings));
  int status = -1;
  CHECK(waitpid(worker, &status, 0) == worker);
  CHECK(status == 0);
  CHECK(Habits::now() == before);
}

TEST_CASE("mpi") {
  const Settings settings = quiet();
  World world = open(settings);
  CHECK(world.channel().info().transport == "mpi");
  CHECK(world.channel().size() == 2);
  CHECK(round_of(world.channel()));
  world.close(patience);
}

TEST_CASE("errors") {
  Settings settings = quiet();
  settings.grace = 1ms;
  check_refused(settings, "settings: --grace: '1ms' is out of bounds: 100ms to 1h is accepted");
  settings = quiet();
  settings.ranks = 0;
  check_refused(settings, "settings: --ranks: '0' is not accepted");
  settings.ranks = -3;
  check_refused(settings, "'-3' is not accepted");
  settings = quiet();
  settings.transport = "zmk";
  check_refused(settings, "'zmk' is not accepted: inproc, mpi, zmq are; did you mean zmq?");
  settings.transport = "zmq";
  check_refused(settings, "needs to know how to meet");
  settings = quiet();
  settings.log_level = "loud";
  check_refused(settings, "'loud' is not accepted");
  settings = quiet();
  settings.linger = -1ms;
  check_refused(settings, "--linger: '-1ms'");
  settings.linger = std::chrono::milliseconds::max();
  check_refused(settings, "--linger: '9223372036854775ms' is out of bounds");
  check_refused(with_option("lisen", "tcp://a:1"),
                "no transport has an option 'lisen'; did you mean listen?");
  check_refused(with_option("ranks", "2"), "no transport has an option 'ranks'");
  check_refused(with_option("listen", "tcp://a"),
                "settings: --listen: 'tcp://a' is not an endpoint");
  check_refused(with_option("listen", "tcp://a:1"), "needs the size of the world");
  check_refused(with_option("rank", "1"), "--rank (settings) needs --join");
  check_refused(with_option("key", "k"), "--key (settings) needs --listen or --join");
  check_refused(with_option("insecure", "perhaps"),
                "settings: --insecure: 'perhaps' is not accepted");
  check_refused(with_option("insecure", "yes"), "'yes' is not accepted: true, false, 1 and 0 are");
  settings = with_option("join", "tcp://a:1");
  settings.transport = "inproc";
  check_refused(settings, "--join (settings) needs the transport zmq, but --transport (settings)");
}

TEST_CASE("zmq: nobody comes") {
  Settings settings = with_option("listen", conformance::free_endpoint());
  settings.ranks = 2;
  settings.join_timeout = 200ms;
  CHECK_THROWS_AS((void)open(settings), Timeout);
}

TEST_CASE("signals, where the program asks for them") {
  catch_interrupts();
  Settings settings = quiet();
  settings.ranks = 2;
  World world = open(settings);
  std::thread other{[] {
    std::this_thread::sleep_for(100ms);
    kill(getpid(), SIGTERM);
  }};
  CHECK_THROWS_AS((void)world.channels()[0]->recv(1, 1, patience), Interrupted);
  other.join();
}

TEST_CASE("run leaves the process alone where it is told to") {
  const Habits before = Habits::now();
  close(STDIN_FILENO);
  Program guest;
  guest.changes = {
      .signals = false, .memory = false, .descriptors = false, .exit = false, .log_level = false};
  std::string name = "program", ranks = "-n2";
  std::array arguments{name.data(), ranks.data(), static_cast<char*>(nullptr)};
  const auto look = [&](const Program& program) {
    bool same = false, closed = false;
    const auto rank = [&](Channel& world) {
      if (world.rank() > 0) return;
      same = Habits::now() == before;
      closed = fcntl(STDIN_FILENO, F_GETFD) == -1;
    };
    CHECK(run(2, arguments.data(), rank, program) == 0);
    return std::array{same, closed};
  };
  CHECK(look(guest) == std::array{true, true});
  CHECK(look(Program{}) == std::array{false, false});
}
