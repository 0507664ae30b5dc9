#include <doctest/doctest.h>

#include <thread>

#include "protocol/protocol.hpp"
#include "zmq_stranger.hpp"
#include "zmq_world.hpp"

using namespace zmq_world;
namespace wire = rankwire::zmq_wire;

namespace {

/// Frames that a port may see: none may disturb whoever listens there.
void send_rubbish(Stranger& stranger) {
  stranger.send({});
  stranger.send(random_bytes(1));
  stranger.send(random_bytes(15));
  stranger.send(random_bytes(4000));
  stranger.send(random_bytes(wire::inline_payload_bytes_max));
  stranger.send(random_bytes(wire::inline_payload_bytes_max + 100));
  for (int i = 0; i < 7; ++i) stranger.send(random_bytes(16), zmq::send_flags::sndmore);
  stranger.send(random_bytes(16));
  // Headers of ours, out of place: data, a credit, a goodbye, an abort, a start, a link.
  for (int kind = 0; kind < 256; ++kind) {
    auto bytes = wire::to_bytes({static_cast<wire::Kind>(kind), 1, 1ULL << 60});
    stranger.send(bytes);
    stranger.send(bytes, zmq::send_flags::sndmore);
    stranger.send(random_bytes(100));
  }
  // Hellos with damaged bodies.
  const auto hello =
      rankwire::encode(wire::Hello{"default", "host", 1, -1, 0, 1, "tcp://x:1", "", 1 << 20});
  for (std::size_t size = 0; size < hello.size(); ++size) {
    std::vector<std::byte> frame(wire::Header::wire_bytes + size);
    const auto head = wire::to_bytes({wire::Kind::hello, wire::protocol_version, size});
    std::copy(head.begin(), head.end(), frame.begin());
    std::copy_n(hello.data(), size, frame.begin() + wire::Header::wire_bytes);
    stranger.send(frame);
  }
}

/// Bytes that are not even ZeroMQ's.
void send_raw_rubbish(const std::string& endpoint) {
  for (const std::size_t size : {0U, 1U, 10U, 64U, 5000U}) {
    (void)RawStranger{endpoint}.write(random_bytes(size));
  }
}

/// Messages pass while `at` drops more frames than `dropped`, and after that. Not how many: whoever
/// says such things is hung up on, and what is under way then is not even counted.
void check_undisturbed(rankwire::Channel& at, std::uint64_t dropped, rankwire::Channel& other) {
  const rankwire::Deadline end = patience;
  for (int rounds = 0; rounds < 200 && !end.expired();) {
    rankwire::send(other, at.rank(), 1, 7);
    CHECK(rankwire::recv<int>(at, other.rank(), 1, patience) == 7);
    if (at.info().frames_dropped > dropped) ++rounds;
  }
  CHECK(at.info().frames_dropped > dropped);
}

}  // namespace

TEST_CASE("hostile: rubbish on the master's port, before and after the start, disturbs nobody") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 2);
  Stranger early{endpoint};
  send_rubbish(early);
  send_raw_rubbish(endpoint);
  std::this_thread::sleep_for(300ms);
  auto one = worker(endpoint, 1);
  const auto world = zero.get();
  const auto rank_1 = one.get();
  Stranger late{endpoint};
  send_rubbish(late);
  send_raw_rubbish(endpoint);
  const auto before = world->info().frames_dropped;
  check_undisturbed(*world, before, *rank_1);
  CHECK(!world->departure(1));
}

TEST_CASE("hostile: rubbish and a link with another token on a worker's port disturb nobody") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 3);
  auto one = worker(endpoint, 1);
  auto two = worker(endpoint, 2);
  const auto world = zero.get();
  const auto rank_1 = one.get();
  const auto rank_2 = two.get();
  Stranger stranger{world->info().peers[1].endpoint};
  const auto link = rankwire::encode(wire::LinkHello{{1, 2}, 2, 0, 1, 0, 1});
  std::vector<std::byte> frame(wire::Header::wire_bytes + link.size());
  const auto head = wire::to_bytes({wire::Kind::link, wire::protocol_version, link.size()});
  std::copy(head.begin(), head.end(), frame.begin());
  std::copy_n(link.data(), link.size(), frame.begin() + wire::Header::wire_bytes);
  stranger.send(frame);
  send_rubbish(stranger);
  check_undisturbed(*rank_1, 0, *rank_2);
}

TEST_CASE("hostile: another protocol version is told both versions") {
  const auto endpoint = conformance::free_endpoint();
  auto hurried = settings();
  hurried.join_timeout = 5s;
  auto zero = master(endpoint, 2, hurried);
  Stranger stranger{endpoint};
  stranger.send(wire::to_bytes({wire::Kind::hello, 99, 0}));
  zmq::message_t answer;
  REQUIRE(stranger.socket.recv(answer));
  const std::span<const std::byte> bytes{answer.data<const std::byte>(), answer.size()};
  const auto header = wire::header_of(bytes);
  REQUIRE(header);
  CHECK(header->kind == wire::Kind::reject);
  const auto reject = wire::reject_of(bytes.subspan(wire::Header::wire_bytes));
  CHECK(reject.refusal == wire::Refusal::version);
  CHECK(has(reject.text, "version 99"));
  CHECK(has(reject.text, "version " + std::to_string(wire::protocol_version)));
  CHECK(!refusal<rankwire::Timeout>(zero).empty());
}
