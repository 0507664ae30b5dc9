#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "../../apps/rankwire/port.hpp"
#include "../conformance/zmq_rank.hpp"
#include "../support/fault_proxy.hpp"
#include "../support/folder.hpp"
#include "lost_within.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/keys.hpp"

// The times that README, docs/security.md and docs/wire-protocol.md promise, with room for a busy
// machine: but what takes four times as long fails. (Others are in test_processes.cpp, and in
// tests/system/test_launch.cpp and test_zmq.cpp.)

using namespace network;
using namespace std::chrono_literals;
using rankwire::Channel;
using rankwire::Deadline;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto patience = 60s;

/// A master and a worker, whose only way to the master is the proxy. Each is used by one thread.
class Pair {
 public:
  explicit Pair(const rankwire::Settings& with) : Pair{with, with} {}
  Pair(const rankwire::Settings& of_master, const rankwire::Settings& of_worker) {
    auto opened = std::async(std::launch::async, [&] {
      return conformance::open_zmq_rank(of_worker, proxy.endpoint(), 1, 2);
    });
    const auto endpoint = fmt::format("tcp://127.0.0.1:{}", port_.number());
    master = conformance::open_zmq_rank(of_master, endpoint, 0, 2);
    worker = opened.get();
  }

 private:
  launcher::ReservedPort port_{0};

 public:
  support::FaultProxy proxy{static_cast<std::uint16_t>(port_.number())};
  std::unique_ptr<Channel> master, worker;
};

/// A master and two workers; the only way to the second one's listener is the proxy.
class Three {
 public:
  explicit Three(const rankwire::Settings& with) {
    const auto endpoint = fmt::format("tcp://127.0.0.1:{}", port_.number());
    auto behind = with;
    behind.options["port-range"] = fmt::format("{0}:{0}", second_.number());
    behind.options["advertise"] = "127.0.0.2";
    std::vector<std::future<std::unique_ptr<Channel>>> opened;
    for (const int rank : {1, 2}) {
      opened.push_back(std::async(std::launch::async, [&, rank] {
        return conformance::open_zmq_rank(rank == 1 ? with : behind, endpoint, rank, 3);
      }));
    }
    master = conformance::open_zmq_rank(with, endpoint, 0, 3);
    first = opened[0].get();
    second = opened[1].get();
    serves_ = std::async(std::launch::async, [this] {
      (void)master->recv(1, last_tag, patience);
      master->close(patience);
    });
  }
  ~Three() {
    first->send(0, last_tag, rankwire::Buffer{});
    first->close();
    second->close();
  }
  Three(const Three&) = delete;
  Three& operator=(const Three&) = delete;

  /// A message of so many bytes from the first worker to the second, within this time.
  [[nodiscard]] bool passes(std::size_t bytes, std::chrono::milliseconds within) {
    first->send(2, 1, rankwire::Buffer{bytes}, patience);
    const Deadline deadline = within;
    while (!deadline.expired()) {  // each of them has to be inside of calls
      if (const auto message = second->recv(1, 1, 20ms)) return message->payload.size() == bytes;
      (void)first->recv(2, 1, Deadline::poll());
    }
    return false;
  }
  [[nodiscard]] bool relayed() const { return first->info().peers[2].relayed; }

 private:
  static constexpr int last_tag = 9;
  launcher::ReservedPort port_{0}, second_{0};

 public:
  support::FaultProxy proxy{static_cast<std::uint16_t>(second_.number()), "127.0.0.2",
                            static_cast<std::uint16_t>(second_.number())};
  std::unique_ptr<Channel> master, first, second;

 private:
  std::future<void> serves_;
};

/// When `world` loses the other one; nothing within the patience.
std::optional<Clock::time_point> loss_in(Channel& world) {
  const auto event = world.next(rankwire::any_source, rankwire::any_tag, patience);
  if (!event || !std::holds_alternative<rankwire::Departure>(*event)) return {};
  const bool lost = std::get<rankwire::Departure>(*event).kind == rankwire::Departure::Kind::lost;
  return lost ? std::optional{Clock::now()} : std::nullopt;
}

/// How long `act` takes.
template <class Act>
Clock::duration time_of(const Act& act) {
  const auto start = Clock::now();
  act();
  return Clock::now() - start;
}

/// A message each way within the patience.
void check_reach_each_other(Pair& pair) {
  auto answers = std::async(std::launch::async, [&] {
    if (!pair.master->recv(1, 1, patience)) return false;
    pair.master->send(1, 1, rankwire::Buffer{8}, patience);
    return true;
  });
  pair.worker->send(0, 1, rankwire::Buffer{8}, patience);
  CHECK(pair.worker->recv(0, 1, patience));
  CHECK(answers.get());
}

/// Both lose the other, within the promised time from `start` on.
void check_lose_each_other(Pair& pair, Clock::time_point start, std::chrono::milliseconds grace) {
  auto of_worker = std::async(std::launch::async, [&] { return loss_in(*pair.worker); });
  const auto in_master = loss_in(*pair.master), in_worker = of_worker.get();
  REQUIRE(in_master);
  REQUIRE(in_worker);
  for (const auto lost : {*in_master, *in_worker}) {
    CHECK(lost - start >= grace);
    CHECK(lost - start <= lost_within(grace));
  }
}

rankwire::Settings settings(std::chrono::milliseconds grace, std::chrono::milliseconds linger) {
  rankwire::Settings with;
  with.grace = grace;
  with.linger = linger;
  return with;
}

}  // namespace

TEST_CASE("times: out of reach for half the grace, not lost; for longer, lost in time") {
  constexpr auto grace = 4s;
  Pair pair{settings(grace, 1s)};
  pair.proxy.stall(true);
  auto of_master = std::async(std::launch::async, [&] {
    return pair.master->next(rankwire::any_source, rankwire::any_tag, grace / 2);
  });
  CHECK(!pair.worker->recv(0, 1, grace / 2));
  CHECK(!of_master.get());
  pair.proxy.stall(false);
  check_reach_each_other(pair);

  const auto start = Clock::now();
  pair.proxy.stall(true);
  check_lose_each_other(pair, start, grace);
}

// The master's probes reach the worker itself, which lives; the worker has a grace that is longer.
TEST_CASE("times: who can be heard is not lost, however long its connection is away") {
  constexpr auto grace = 1s;
  Pair pair{settings(grace, 1s), settings(60s, 1s)};
  pair.proxy.stall(true);
  auto of_master = std::async(std::launch::async, [&] {
    return pair.master->next(rankwire::any_source, rankwire::any_tag, 8 * grace);
  });
  CHECK(!pair.worker->recv(0, 1, 8 * grace));
  CHECK(!of_master.get());
  pair.proxy.stall(false);
  check_reach_each_other(pair);
}

// And the other way round: the greeting that answers a probe passes, and no handshake.
TEST_CASE("times: a master that can be heard is not lost for three times the grace") {
  constexpr auto grace = 2s;
  Pair pair{settings(60s, 1s), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  pair.proxy.cut_all();
  CHECK(!pair.worker->recv(0, 1, 3 * grace));
  pair.proxy.pass_first_of_each({});
  check_reach_each_other(pair);
}

// But not for ever: what it says, which no handshake follows, may come from anybody.
TEST_CASE("times: a master that can be heard, and no more, is lost after four times the grace") {
  constexpr auto grace = 1s;
  Pair pair{settings(60s, 1s), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  const auto start = Clock::now();
  pair.proxy.cut_all();
  const auto lost = loss_in(*pair.worker);
  REQUIRE(lost);
  CHECK(*lost - start >= 4 * grace);
  CHECK(*lost - start <= 2 * (4 * grace + 1500ms) + 2s);
}

TEST_CASE("times: a master that was heard for a while is lost the grace after it falls silent") {
  constexpr auto grace = 4s;
  Pair pair{settings(60s, 1s), settings(grace, 1s)};
  pair.proxy.pass_first_of_each(32);
  pair.proxy.cut_all();
  CHECK(!pair.worker->recv(0, 1, 1s));
  const auto start = Clock::now();
  pair.proxy.stall(true);
  const auto lost = loss_in(*pair.worker);
  REQUIRE(lost);
  CHECK(*lost - start >= grace);
  CHECK(*lost - start <= 2 * (grace + 1500ms) + 2s);
}

// The silence is a quarter of the grace, and noticed up to an eighth of it later.
TEST_CASE("times: a connection over which nothing comes is made again after the silence") {
  constexpr auto grace = 12s;
  constexpr auto silence = grace / 4;
  Pair pair{settings(grace, 1s)};
  pair.proxy.start({0, {{.kind = support::Fault::Kind::stall_old, .duration = 300s}}});
  const auto start = Clock::now();
  check_reach_each_other(pair);
  const auto time = Clock::now() - start;
  CHECK(time >= silence / 2);
  CHECK(time <= 2 * (silence + silence / 8) + 2s);
}

TEST_CASE("times: a worker that has lost the world is not waited for by a master that hears it") {
  constexpr auto grace = 2s;
  Pair pair{settings(grace, 1s)};
  const auto start = Clock::now();
  pair.proxy.stall(true);
  CHECK(loss_in(*pair.worker));
  const auto in_master = loss_in(*pair.master);
  REQUIRE(in_master);
  CHECK(*in_master - start <= lost_within(grace));
}

// As on a path whose routers drop what is larger than they like. PINGs, handshakes and probes pass.
TEST_CASE("times: where only small packets pass, master and worker lose each other in time") {
  constexpr auto grace = 4s;
  for (const int sender : {0, 1}) {
    CAPTURE(sender);
    Pair pair{settings(grace, 1s)};
    pair.proxy.pass_small_only(1200);
    const auto start = Clock::now();
    (sender == 0 ? pair.master : pair.worker)->send(1 - sender, 1, rankwire::Buffer{100'000});
    check_lose_each_other(pair, start, grace);
  }
}

TEST_CASE("times: where only small packets pass between workers, the master relays in time") {
  Three three{settings(4s, 1s)};
  CHECK(three.passes(100, patience));
  CHECK(!three.relayed());
  three.proxy.pass_small_only(1200);
  CHECK(three.passes(100'000, 30s));
  CHECK(three.relayed());
  three.proxy.pass_small_only({});
  const Deadline deadline = patience;
  while (three.relayed() && !deadline.expired()) CHECK(three.passes(100'000, 30s));
  CHECK(!three.relayed());
}

// A host that is busy: its system accepts, and all else takes its time.
TEST_CASE("times: a connection that is slow to come is no closed way") {
  Three three{settings(60s, 1s)};
  three.proxy.stall(true);
  CHECK(!three.passes(100, 5s));
  CHECK(!three.relayed());
  three.proxy.stall(false);
  const Deadline deadline = patience;
  bool came = false;
  while (!came && !deadline.expired()) {
    came = three.second->recv(1, 1, 20ms).has_value();
    (void)three.first->recv(2, 1, Deadline::poll());
  }
  CHECK(came);
  CHECK(!three.relayed());
}

TEST_CASE("times: a way that is closed is gone around, and used again when it is open") {
  Three three{settings(60s, 1s)};
  three.proxy.refuse(true);
  CHECK(three.passes(100, 20s));
  CHECK(three.relayed());
  three.proxy.refuse(false);
  const Deadline deadline = patience;
  while (three.relayed() && !deadline.expired()) CHECK(three.passes(100, 30s));
  CHECK(!three.relayed());
}

TEST_CASE("times: a close that delivers nothing takes the linger, once more at the end") {
  constexpr auto linger = 3s;
  Pair pair{settings(60s, linger)};
  pair.proxy.stall(true);
  pair.worker->send(0, 1, rankwire::Buffer{1000}, patience);
  const auto time = time_of([&] {
    pair.worker->close();
    pair.worker.reset();
  });
  CHECK(time >= linger);
  CHECK(time <= 2 * (2 * linger) + 2s);
}

TEST_CASE("times: a close waits for a network that is back before the linger is over") {
  constexpr auto linger = 6s;
  Pair pair{settings(60s, linger)};
  pair.proxy.stall(true);
  pair.worker->send(0, 1, rankwire::Buffer{1000}, patience);
  auto mended = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(linger / 3);
    pair.proxy.stall(false);
    return pair.master->recv(1, 1, patience).has_value();
  });
  pair.worker->close();
  pair.worker.reset();
  CHECK(mended.get());
}

// The promise is 1 s for the acknowledgements, whatever the network does.
TEST_CASE("times: an abort is over soon, and soon heard where the network is sound") {
  for (const bool stalled : {false, true}) {
    CAPTURE(stalled);
    Pair pair{settings(60s, 1s)};
    pair.proxy.stall(stalled);
    const auto start = Clock::now();
    auto heard = std::async(std::launch::async, [&]() -> std::optional<Clock::time_point> {
      try {
        (void)pair.master->recv(1, 1, stalled ? 1s : patience);
      } catch (const rankwire::Aborted&) {
        return Clock::now();
      }
      return {};
    });
    CHECK(time_of([&] { pair.worker->abort(7, "a test"); }) <= 2 * 1s + 2s);
    const auto at = heard.get();
    CHECK(at.has_value() == !stalled);
    if (at) CHECK(*at - start <= 4s);
    pair.proxy.stall(false);
  }
}

TEST_CASE("times: the join timeout") {
  constexpr auto timeout = 2s;
  const launcher::ReservedPort port{0};
  const auto endpoint = fmt::format("tcp://127.0.0.1:{}", port.number());
  rankwire::Settings with;
  with.join_timeout = timeout;
  for (const int rank : {0, 1}) {
    CAPTURE(rank);
    const auto time = time_of([&] {
      CHECK_THROWS_AS((void)conformance::open_zmq_rank(with, endpoint, rank, 2), rankwire::Timeout);
    });
    CHECK(time >= timeout);
    CHECK(time <= 2 * timeout + 2s);
  }
}

// A wrong key of the master looks the same, and is believed after 5 s.
TEST_CASE("times: handshakes that are cut for a while are no wrong key") {
  const Folder folder;
  const auto of_master = rankwire::create_keys(folder.path(), "master");
  const auto of_worker = rankwire::create_keys(folder.path(), "worker");
  std::filesystem::create_directory(folder / "allowed");
  std::filesystem::copy(of_worker.public_file, folder / "allowed");
  const launcher::ReservedPort port{0};
  support::FaultProxy proxy{static_cast<std::uint16_t>(port.number())};
  const auto open = [&](int rank) {
    return std::async(std::launch::async, [&, rank] {
      auto with = settings(4s, 1s);
      with.options["key"] = rank == 0 ? of_master.secret_file : of_worker.secret_file;
      with.options[rank == 0 ? "allow" : "server-key"] =
          rank == 0 ? folder / "allowed" : of_master.public_file;
      const auto endpoint = fmt::format("tcp://127.0.0.1:{}", port.number());
      return conformance::open_zmq_rank(with, rank == 0 ? endpoint : proxy.endpoint(), rank, 2);
    });
  };
  constexpr std::size_t greeting_bytes = 64;
  proxy.pass_first_of_each(greeting_bytes);
  auto master = open(0), worker = open(1);
  constexpr std::uint64_t links_cut = 10;  // each attempt is followed by a look at the greeting
  const Deadline end = patience;
  while (proxy.links_accepted() < links_cut && !end.expired()) {
    std::this_thread::sleep_for(50ms);
    proxy.cut_all();
  }
  proxy.pass_first_of_each(std::nullopt);
  proxy.cut_all();
  CHECK(worker.get()->size() == 2);
  (void)master.get();
}

// Within a quarter of the grace, 1 s at least.
TEST_CASE("times: a caller that says nothing is hung up") {
  Pair pair{settings(4s, 1s)};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(pair.proxy.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  const auto time = time_of([&] {
    std::string text(1000, '\0');
    ssize_t size = 1;
    while (size > 0) {  // a greeting comes first
      pollfd waiting{fd, POLLIN, 0};
      REQUIRE(poll(&waiting, 1, 30'000) == 1);
      size = recv(fd, text.data(), text.size(), 0);
    }
  });
  close(fd);
  CHECK(time <= 2 * 1s + 2s);
}

int main(int argc, char** argv) {
  rankwire::log().set_level(spdlog::level::off);
  return doctest::Context{argc, argv}.run();
}
