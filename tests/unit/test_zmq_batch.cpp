#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "links/batch.hpp"
#include "links/turns.hpp"
#include "rankwire/message.hpp"
#include "zmq_world.hpp"

using rankwire::Batch;
using rankwire::batch_entry_bytes;
using rankwire::is_batch;
using rankwire::take_entry;
using namespace rankwire::zmq_wire;
using namespace zmq_world;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

/// The body of a batch of these.
std::vector<std::byte> body_with(
    const std::vector<std::pair<std::uint32_t, std::string>>& entries) {
  Batch batch = empty_batch();
  for (const auto& [tag, payload] : entries) batch.add(tag, bytes_of(payload));
  const auto frame = frame_of(batch, {.kind = Kind::batch});
  return {frame.begin() + Header::wire_bytes, frame.end()};
}

constexpr std::uint64_t any_size = UINT64_MAX;

}  // namespace

TEST_CASE("batch: what goes in comes out, byte for byte as documented") {
  const auto body = body_with({{0x01020304, "ab"}, {7, ""}});
  const std::vector<unsigned> expected{4, 3, 2, 1, 2, 0, 0, 0, 'a', 'b', 7, 0, 0, 0, 0, 0, 0, 0};
  REQUIRE(body.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::to_integer<unsigned>(body[i]) == expected[i]);
  }
  std::span<const std::byte> rest{body};
  CHECK(take_entry(rest)->tag == 0x01020304);
  const auto second = take_entry(rest);
  CHECK(second->tag == 7);
  CHECK(second->payload.empty());
  CHECK(!take_entry(rest));
}

TEST_CASE("batch: its frame has a sound header, and it is empty afterwards") {
  Batch batch = empty_batch();
  CHECK(batch.empty());
  batch.add(1, bytes_of("x"));
  CHECK(!batch.empty());
  const auto header = header_of(frame_of(batch, {.kind = Kind::batch, .sequence = 5, .ack = 6}));
  REQUIRE(header);
  CHECK(header->kind == Kind::batch);
  CHECK(header->bytes == batch_entry_bytes + 1);
  CHECK(header->sequence == 5);
  CHECK(header->ack == 6);
  batch.clear();
  CHECK(batch.empty());
}

TEST_CASE("batch: full before its frame is larger than a piece that every listener takes") {
  Batch batch = empty_batch();
  const std::string payload(Batch::payload_bytes_max, 'x');
  std::size_t bytes = 0;
  while (batch.has_room(payload.size())) {
    batch.add(1, bytes_of(payload));
    bytes += batch_entry_bytes + payload.size();
  }
  CHECK(bytes > payload.size());
  const auto frame = frame_of(batch, {.kind = Kind::batch, .sequence = 5});
  CHECK(frame.size() <= piece_bytes_min);
  REQUIRE(header_of(frame));
  CHECK(header_of(frame)->sequence == 5);
  CHECK(body_in(frame).size() == bytes);
  CHECK(is_batch(body_in(frame), any_size));
}

TEST_CASE("batch: a body that is not all entries is none") {
  const auto body = body_with({{1, "abc"}, {rankwire::tag_max, "d"}});
  CHECK(is_batch(body, any_size));
  CHECK(!is_batch({}, any_size));
  for (std::size_t size = 1; size < body.size(); ++size) {
    const bool first_alone = size == batch_entry_bytes + 3;
    CHECK(is_batch(std::span{body}.first(size), any_size) == first_alone);
  }
  CHECK(!is_batch(body_with({{rankwire::tag_max + 1, "d"}}), any_size));
  CHECK(is_batch(body, 3));
  CHECK(!is_batch(body, 2));
  auto damaged = body;
  damaged[7] = std::byte{0xFF};  // a size of 4 GiB
  CHECK(!is_batch(damaged, any_size));
}

TEST_CASE("turns: nothing that is due is left undone, whoever says so") {
  struct Counter final : Turns::Work {
    void do_due() noexcept override {
      CHECK(!inside.exchange(true));
      done = said.load();
      inside = false;
    }
    std::atomic<int> said{0}, done{0};
    std::atomic<bool> inside{false};
  };
  constexpr int rounds = 20'000;
  Counter work;
  Turns turns{work};
  std::thread other{[&] {
    for (int i = 0; i < rounds; ++i) {
      ++work.said;
      turns.due();
    }
  }};
  for (int i = 0; i < rounds; ++i) {
    const Turn turn{turns};
    CHECK(!work.inside);  // nobody else has the turn
  }
  other.join();
  // After the last call of either side, everything that was said is done.
  CHECK(work.done == rounds);
}

TEST_CASE("turns: what becomes due within a turn is done at its end") {
  struct Flag final : Turns::Work {
    void do_due() noexcept override { ++done; }
    int done = 0;
  };
  Flag work;
  Turns turns{work};
  {
    const Turn turn{turns};
    turns.due();
    turns.due();
    CHECK(work.done == 0);
  }
  CHECK(work.done == 1);
}

TEST_CASE("batch: messages go out while their sender computes, however many follow each other") {
  // Clause 3: the last of them waits for libzmq's thread only, not for a call of its sender's.
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 2);
  auto one = worker(endpoint, 1);
  const auto world = zero.get();
  const auto rank_1 = one.get();
  for (int round = 0; round < 50; ++round) {
    const int count = 1 + round * 7;
    std::atomic<bool> all_here{false};
    std::thread sender{[&] {
      for (int i = 0; i < count; ++i) rankwire::send(*rank_1, 0, 1, i);
      const rankwire::Deadline end = patience;
      while (!all_here && !end.expired()) std::this_thread::sleep_for(1ms);
    }};
    for (int i = 0; i < count; ++i) {
      const auto value = rankwire::try_recv<int>(*world, 1, 1, 10s);
      CHECK(value == i);
      if (!value) break;
    }
    all_here = true;
    sender.join();
  }
}

TEST_CASE("batch: messages of all sizes keep their order") {
  const auto endpoint = conformance::free_endpoint();
  auto zero = master(endpoint, 2);
  auto one = worker(endpoint, 1);
  const auto world = zero.get();
  const auto rank_1 = one.get();
  constexpr int count = 3000;
  const auto size_of = [](int i) -> std::size_t {
    return i % 97 == 0 ? 40'000 : i % 31 == 0 ? 10'000 : i % 7 == 0 ? 4096 : i % 5;
  };
  std::thread sender{[&] {
    for (int i = 0; i < count; ++i) rank_1->send(0, i, rankwire::Buffer{size_of(i)});
  }};
  for (int i = 0; i < count; ++i) {
    const auto message = world->recv(1, rankwire::any_tag, patience);
    REQUIRE(message);
    CHECK(message->tag == i);
    CHECK(message->payload.size() == size_of(i));
  }
  sender.join();
}
