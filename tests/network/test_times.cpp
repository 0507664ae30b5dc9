#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

#include "../support/folder.hpp"
#include "rankwire/backend/log.hpp"
#include "rankwire/keys.hpp"
#include "times.hpp"

// How long it takes to come together, and to end. Who is lost, and when: test_times_lost.cpp.

using namespace network;

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
