#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "../../apps/rankwire/port.hpp"
#include "../conformance/zmq_rank.hpp"
#include "../support/fault_proxy.hpp"
#include "lost_within.hpp"

// The times that README, docs/security.md and docs/wire-protocol.md promise, with room for a busy
// machine: but what takes four times as long fails. (Others are in test_processes.cpp, and in
// tests/system/test_launch.cpp and test_zmq.cpp.)

namespace network {

using namespace std::chrono_literals;
using rankwire::Channel;
using rankwire::Deadline;
using Clock = std::chrono::steady_clock;

inline constexpr auto patience = 60s;

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
    return passes(*first, *second, bytes, within);
  }
  /// The other way.
  [[nodiscard]] bool passes_back(std::size_t bytes, std::chrono::milliseconds within) {
    return passes(*second, *first, bytes, within);
  }
  [[nodiscard]] bool relayed() const { return first->info().peers[2].relayed; }

 private:
  static bool passes(Channel& from, Channel& to, std::size_t bytes,
                     std::chrono::milliseconds within) {
    from.send(to.rank(), 1, rankwire::Buffer{bytes}, patience);
    const Deadline deadline = within;
    while (!deadline.expired()) {  // each of them has to be inside of calls
      if (const auto message = to.recv(from.rank(), 1, 20ms)) {
        return message->payload.size() == bytes;
      }
      (void)from.recv(to.rank(), 1, Deadline::poll());
    }
    return false;
  }

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
inline std::optional<Clock::time_point> loss_in(Channel& world) {
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
inline void check_reach_each_other(Pair& pair) {
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
inline void check_lose_each_other(Pair& pair, Clock::time_point start,
                                  std::chrono::milliseconds grace) {
  auto of_worker = std::async(std::launch::async, [&] { return loss_in(*pair.worker); });
  const auto in_master = loss_in(*pair.master), in_worker = of_worker.get();
  REQUIRE(in_master);
  REQUIRE(in_worker);
  for (const auto lost : {*in_master, *in_worker}) {
    CHECK(lost - start >= grace);
    CHECK(lost - start <= lost_within(grace));
  }
}

inline rankwire::Settings settings(std::chrono::milliseconds grace,
                                   std::chrono::milliseconds linger) {
  rankwire::Settings with;
  with.grace = grace;
  with.linger = linger;
  return with;
}

/// A rank that gives no signs of life while its program computes (`--progress call`).
inline rankwire::Settings without_thread(rankwire::Settings with) {
  with.progress_thread = false;
  return with;
}

}  // namespace network
