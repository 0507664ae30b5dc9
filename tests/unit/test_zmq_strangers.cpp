#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "protocol/protocol.hpp"
#include "sockets/wire.hpp"
#include "zmq_stranger.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
namespace wire = rankwire::zmq_wire;

// Strangers at the ports of a job that runs: its results stay right, and it ends as it would have.

namespace {

constexpr int ranks = 3;
constexpr int data_tag = 1;

/// Three ranks that pass numbers on in a circle and check each, until told to end.
class Job {
 public:
  Job() : endpoint_{conformance::free_endpoint()} {
    auto zero = master(endpoint_, ranks);
    std::vector<std::future<Opened>> workers;
    for (int rank = 1; rank < ranks; ++rank) workers.push_back(worker(endpoint_, rank));
    worlds_.push_back(zero.get());
    for (auto& opening : workers) worlds_.push_back(opening.get());
    worker_endpoint_ = worlds_[0]->info().peers[1].endpoint;
    for (auto& world : worlds_) {
      results_.push_back(std::async(std::launch::async, [this, &world] { return run(*world); }));
    }
  }
  ~Job() { ends_ = true; }

  [[nodiscard]] const std::string& master_endpoint() const { return endpoint_; }
  [[nodiscard]] const std::string& worker_endpoint() const { return worker_endpoint_; }
  [[nodiscard]] std::uint64_t rounds() const { return rounds_; }

  /// Waits until the job has done `more` rounds from now on.
  void go_on(std::uint64_t more) const {
    const auto until = rounds_ + more;
    const rankwire::Deadline end = patience;
    while (rounds_ < until && !end.expired()) std::this_thread::sleep_for(1ms);
    CHECK(rounds_ >= until);
  }
  /// Ends it; gives the frames that each rank has dropped.
  std::vector<std::uint64_t> end() {
    ends_ = true;
    std::vector<std::uint64_t> dropped;
    for (auto& result : results_) dropped.push_back(result.get());
    return dropped;
  }

 private:
  std::uint64_t run(rankwire::Channel& world) {
    const int to = (world.rank() + 1) % ranks;
    const int from = (world.rank() + ranks - 1) % ranks;
    for (std::uint64_t round = 1;; ++round) {
      const bool is_first = world.rank() == 0;
      const bool last = is_first && ends_;
      if (is_first) rankwire::send(world, to, data_tag, std::pair{last ? 0 : round, last});
      const auto [number, ended] =
          rankwire::recv<std::pair<std::uint64_t, bool>>(world, from, data_tag, patience);
      if (!ended && number != round) throw std::runtime_error{"a round was lost or repeated"};
      if (!is_first) rankwire::send(world, to, data_tag, std::pair{number, ended});
      if (ended) break;
      if (is_first) ++rounds_;
    }
    world.close(patience);
    return world.info().frames_dropped;
  }

  std::string endpoint_, worker_endpoint_;
  std::atomic<bool> ends_ = false;
  std::atomic<std::uint64_t> rounds_ = 0;
  std::vector<Opened> worlds_;
  std::vector<std::future<std::uint64_t>> results_;
};

template <class Record>
std::vector<std::byte> frame_of(wire::Kind kind, const Record& record) {
  const auto body = rankwire::encode(record);
  const auto head =
      wire::to_bytes({.kind = kind, .tag = wire::protocol_version, .bytes = body.size()});
  std::vector<std::byte> frame(head.begin(), head.end());
  frame.insert(frame.end(), body.bytes().begin(), body.bytes().end());
  return frame;
}

/// Sound messages of every kind, all from one who is not of this world.
void say_everything(const std::string& endpoint) {
  Stranger stranger{endpoint};
  wire::Hello hello;
  hello.job = "default";
  hello.endpoint = "tcp://127.0.0.1:1";
  stranger.send(frame_of(wire::Kind::hello, hello));
  stranger.send(frame_of(wire::Kind::welcome, wire::Welcome{ranks, 2, "rank 2", 1, 1}));
  wire::Start start;
  start.ranks = ranks;
  start.members.resize(ranks);
  stranger.send(frame_of(wire::Kind::start, start));
  wire::LinkHello link;
  link.rank = 2;
  stranger.send(frame_of(wire::Kind::link, link));
  stranger.send(frame_of(wire::Kind::goodbye, wire::Goodbye{}));
  stranger.send(
      frame_of(wire::Kind::departed, wire::DepartedList{0, {}, {{2, true, "it died", 0}}}));
  wire::Member member;
  member.rank = 2;
  stranger.send(frame_of(wire::Kind::arrived, member));
  stranger.send(frame_of(wire::Kind::abort, wire::Abort{2, "host", 1, 1, "no cause"}));
  for (int kind = 0; kind < 256; ++kind) {
    stranger.send(wire::to_bytes({.kind = static_cast<wire::Kind>(kind)}));
  }
}

/// Opens connections that end before their first message does.
std::vector<RawStranger> begin_and_stop(const std::string& endpoint) {
  const auto handshake = RawStranger::handshake();
  std::vector<RawStranger> strangers;
  for (const std::size_t said :
       {std::size_t{0}, std::size_t{5}, std::size_t{64}, std::size_t{70}}) {
    strangers.emplace_back(endpoint);
    CHECK(strangers.back().write(handshake.substr(0, said)));
  }
  for (const std::string& said :
       {std::string{}, std::string{"\x01"}, RawStranger::frame_head(100, false) + "half",
        RawStranger::frame_head(4, true) + "more",
        RawStranger::frame_head(std::uint64_t{1} << 20U, false) + "half"}) {
    strangers.emplace_back(endpoint);
    REQUIRE(strangers.back().shake_hands());
    CHECK(strangers.back().write(said));
  }
  return strangers;
}

}  // namespace

TEST_CASE("strangers: sound messages of every kind, out of place, on every port") {
  Job job;
  say_everything(job.master_endpoint());
  say_everything(job.worker_endpoint());
  job.go_on(100);
  const auto dropped = job.end();
  CHECK(dropped[0] > 0);
  CHECK(dropped[1] > 0);
}

TEST_CASE("strangers: half a message, and then nothing") {
  Job job;
  const auto at_master = begin_and_stop(job.master_endpoint());
  const auto at_worker = begin_and_stop(job.worker_endpoint());
  job.go_on(100);
  job.end();
}

TEST_CASE("strangers: a frame of any length above the limit is hung up on") {
  Job job;
  // These listen for this host alone, so their limit is the larger one. Below it the silence would
  // end the connection, after 3 s, not its length.
  const auto above = static_cast<std::uint64_t>(wire::frame_bytes_max(wire::piece_bytes_max)) + 1;
  for (const auto* endpoint : {&job.master_endpoint(), &job.worker_endpoint()}) {
    for (const std::uint64_t size :
         {above, std::uint64_t{1} << 40U, std::uint64_t{1} << 63U, ~std::uint64_t{0}}) {
      const RawStranger stranger{*endpoint};
      REQUIRE(stranger.shake_hands());
      CHECK(stranger.write(RawStranger::frame_head(size, false)));
      CHECK(stranger.is_hung_up(2s));
    }
  }
  job.go_on(100);
  job.end();
}

TEST_CASE("strangers: where other hosts come in, a frame of 1 MiB and some more is hung up on") {
  wire::Wire listener{30s, {}};
  const auto bound = listener.listen({{.number = "0.0.0.0", .any = true}}, {}, false);
  const RawStranger stranger{bound.front()};
  const auto above = static_cast<std::uint64_t>(wire::frame_bytes_max(wire::piece_bytes_min)) + 1;
  REQUIRE(stranger.shake_hands());
  CHECK(stranger.write(RawStranger::frame_head(above, false)));
  CHECK(stranger.is_hung_up(10s));
}

TEST_CASE("strangers: 200 connections that say nothing") {
  Job job;
  std::vector<RawStranger> strangers;
  for (int i = 0; i < 100; ++i) {
    strangers.emplace_back(job.master_endpoint());
    strangers.emplace_back(job.worker_endpoint());
  }
  job.go_on(100);
  job.end();
}

TEST_CASE("strangers: a message that never ends does not fill the memory") {
  Job job;
  const std::uint64_t rounds = job.rounds();
  for (const auto* endpoint : {&job.master_endpoint(), &job.worker_endpoint()}) {
    const RawStranger stranger{*endpoint};
    REQUIRE(stranger.shake_hands());
    std::string frames;
    for (int i = 0; i < 10'000; ++i) frames += "\x01\x01x";
    // Hung up on long before as much has been sent as would hurt.
    int written = 0;
    constexpr int writes_max = 20'000;
    while (written < writes_max && stranger.write(frames)) ++written;
    CHECK(written < writes_max);
  }
  job.go_on(100);
  const auto dropped = job.end();
  CHECK(dropped[0] > 0);
  CHECK(dropped[1] > 0);
  CHECK(job.rounds() > rounds);
}
