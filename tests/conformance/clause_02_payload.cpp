#include <cstring>

#include "harness.hpp"

namespace conformance {
namespace {

constexpr std::size_t sizes[] = {0,
                                 1,
                                 8,
                                 63,
                                 64,
                                 65,
                                 4'080,
                                 4'096,
                                 65'536,
                                 100'000,
                                 (1 << 20) - 1,
                                 1 << 20,
                                 (1 << 20) + 1,
                                 5 * (1 << 20) + 7};

}  // namespace

CONFORMANCE_CASE("2: owned payloads of all sizes arrive as they were", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  const int last = world.size() - 1;
  for (unsigned i = 0; i < std::size(sizes); ++i) {
    if (world.rank() == last) world.send(0, 5, pattern(sizes[i], i), patience);
    if (world.rank() == 0) EXPECT(same(must_recv(world, last, 5).payload, pattern(sizes[i], i)));
  }
}

CONFORMANCE_CASE("2: a borrowed payload may be overwritten when send returns",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  for (unsigned i = 0; i < std::size(sizes); ++i) {
    if (world.rank() == 1) {
      Buffer bytes = pattern(sizes[i], i);
      world.send(0, 5, bytes.bytes(), patience);
      std::memset(bytes.data(), 0xEE, bytes.size());
      world.send(0, 6, bytes.bytes());
      std::memset(bytes.data(), 0xDD, bytes.size());
    }
    if (world.rank() == 0) {
      EXPECT(same(must_recv(world, 1, 5).payload, pattern(sizes[i], i)));
      const Message second = must_recv(world, 1, 6);
      for (const std::byte b : second.payload.bytes()) EXPECT(b == std::byte{0xEE});
    }
  }
}

CONFORMANCE_CASE("2: a received message owns its bytes, longer than its channel lives",
                 Needs{.ranks_min = 2}) {
  constexpr std::size_t large = 3 << 20;
  if (self.world().rank() == 1) {
    self.world().send(0, 1, pattern(large, 1), patience);
    self.world().send(0, 1, pattern(100, 2), patience);
  }
  if (self.world().rank() != 0) return;
  const Message first = must_recv(self.world(), 1, 1);
  const Message second = must_recv(self.world(), 1, 1);
  self.world().close(patience);
  self.channel.reset();
  EXPECT(same(first.payload, pattern(large, 1)));
  EXPECT(same(second.payload, pattern(100, 2)));
}

CONFORMANCE_CASE("2: recv_into fills the caller's memory; too large a message stays",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    world.send(0, 7, pattern(1000, 1));
    world.send(0, 7, pattern(200'000, 2));
  }
  if (world.rank() != 0) return;
  std::vector<std::byte> memory(200'000);
  const auto small = std::span{memory}.first(999);
  const auto error = EXPECT_THROWS(rankwire::UsageError, world.recv_into(1, 7, small, patience));
  EXPECT(std::string{error.what()}.find("1000") != std::string::npos);
  const auto envelope = world.recv_into(any_source, any_tag, memory, patience);
  EXPECT(envelope.has_value());
  EXPECT_EQUAL(envelope->source, 1);
  EXPECT_EQUAL(envelope->tag, 7);
  EXPECT_EQUAL(envelope->bytes, std::size_t{1000});
  EXPECT(std::memcmp(memory.data(), pattern(1000, 1).data(), 1000) == 0);
  EXPECT_EQUAL(world.recv_into(1, 7, memory, patience)->bytes, std::size_t{200'000});
  EXPECT(std::memcmp(memory.data(), pattern(200'000, 2).data(), 200'000) == 0);
}

/// Some transports send a payload in one with what they put behind it, where its memory has room.
CONFORMANCE_CASE("2: whatever memory an owned payload lies in, and sent on as it came",
                 Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() > 1) return;
  const int other = 1 - world.rank();
  constexpr std::size_t kib = 1024;
  for (const std::size_t size : {4 * kib - 1, 4 * kib, 32 * kib, 32 * kib + 1, 300 * kib,
                                 1024 * kib, 2048 * kib - 8, 2048 * kib}) {
    const Buffer expected = pattern(size, 4);
    if (world.rank() == 1) {
      std::vector<std::byte> container{expected.bytes().begin(), expected.bytes().end()};
      world.send(other, 1, pattern(size, 4), patience);
      world.send(other, 1, Buffer::from(std::move(container)), patience);
    }
    for (int i = 0; i < 2; ++i) {
      Message message = must_recv(world, other, 1);
      EXPECT(same(message.payload, expected));
      world.send(other, world.rank() == 0 ? 1 : 2, std::move(message.payload), patience);
    }
    for (int i = 0; world.rank() == 0 && i < 2; ++i) {
      EXPECT(same(must_recv(world, other, 2).payload, expected));
    }
  }
}

/// Large ones travel as they lie, and rankwire counts what it copies all the same.
CONFORMANCE_CASE("2: large owned payloads are copied on neither side", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() > 1) return;
  const int other = 1 - world.rank();
  const auto copied = world.info().bytes_copied;
  for (const std::size_t size :
       {std::size_t{100'000}, std::size_t{1} << 20, std::size_t{16} << 20}) {
    if (world.rank() == 1) world.send(other, 5, pattern(size, 3), patience);
    Message message = must_recv(world, other, 5);
    EXPECT(same(message.payload, pattern(size, 3)));
    if (world.rank() == 0) world.send(other, 5, std::move(message.payload), patience);
    EXPECT_EQUAL(world.info().bytes_copied, copied);
  }
  // What comes next may be counted as soon as it comes.
  world.send(other, 7, Buffer{}, patience);
  must_recv(world, other, 7);
  // It does count what is borrowed under a deadline, and what goes into the program's memory.
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100'000}}) {
    std::vector<std::byte> memory(size);
    const auto before = world.info().bytes_copied;
    world.send(other, 6, memory, patience);
    const auto sent = world.info().bytes_copied;
    EXPECT(sent >= before + size);
    EXPECT(world.recv_into(other, 6, memory, patience).has_value());
    EXPECT(world.info().bytes_copied >= sent + size);
  }
}

}  // namespace conformance
