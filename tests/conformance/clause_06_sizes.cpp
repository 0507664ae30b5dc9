#include <cstdlib>
#include <fstream>

#include "harness.hpp"

namespace conformance {
namespace {

Settings small_messages() {
  Settings settings;
  settings.message_bytes_max = 1000;
  return settings;
}

Settings huge_messages() {
  Settings settings;
  settings.message_bytes_max = std::uint64_t{8} << 30;
  return settings;
}

std::uint64_t memory_available_bytes() {
  std::ifstream meminfo{"/proc/meminfo"};
  std::string key;
  std::uint64_t kib = 0;
  while (meminfo >> key >> kib) {
    if (key == "MemAvailable:") return kib << 10;
    meminfo.ignore(100, '\n');
  }
  return 0;
}

}  // namespace

CONFORMANCE_CASE("6: empty messages arrive, each as its own", Needs{.ranks_min = 2}) {
  Channel& world = self.world();
  if (world.rank() == 1) {
    for (int i = 0; i < 3; ++i) world.send(0, 4, std::span<const std::byte>{});
    world.send(0, 4, Buffer{});
    must_recv(world, 0, 5);
  }
  if (world.rank() == 0) {
    for (int i = 0; i < 4; ++i) EXPECT(must_recv(world, 1, 4).payload.empty());
    EXPECT(!world.recv(1, 4, 20ms));
    world.send(1, 5, Buffer{});
  }
}

CONFORMANCE_CASE("6: a rank may send to itself", Needs{}) {
  Channel& world = self.world();
  for (int i = 0; i < 10; ++i) rankwire::send(world, world.rank(), 1, i);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQUAL(rankwire::recv<int>(world, world.rank(), 1, patience), i);
  }
  Buffer large{std::size_t{5} << 20};
  large.data()[4'000'000] = std::byte{7};
  world.send(world.rank(), 2, std::move(large));
  EXPECT(must_recv(world, any_source, 2).payload.data()[4'000'000] == std::byte{7});
}

CONFORMANCE_CASE("6: message_bytes_max is checked before a byte moves",
                 Needs{.ranks_min = 2, .settings = small_messages()}) {
  Channel& world = self.world();
  EXPECT_EQUAL(world.info().message_bytes_max, std::uint64_t{1000});
  if (world.rank() == 1) {
    const auto error =
        EXPECT_THROWS(rankwire::UsageError, world.send(0, 1, Buffer{std::size_t{1001}}));
    EXPECT(std::string{error.what()}.find("1001") != std::string::npos);
    const std::vector<std::byte> borrowed(1001);
    EXPECT_THROWS(rankwire::UsageError, world.send(0, 1, borrowed));
    world.send(0, 1, Buffer{std::size_t{1000}});
  }
  if (world.rank() == 0) EXPECT_EQUAL(must_recv(world, 1, 1).payload.size(), std::size_t{1000});
}

CONFORMANCE_CASE("6: a payload above 2 GiB arrives whole",
                 Needs{.ranks_min = 2, .settings = huge_messages()}) {
  Channel& world = self.world();
  constexpr std::size_t huge = (std::size_t{2} << 30) + 12'345'678;
  if (std::getenv("RANKWIRE_TEST_HUGE") == nullptr || harness().ranks() != 2) {
    if (world.rank() == 0) {
      MESSAGE("skipped: payloads above 2 GiB are tried with 2 ranks and RANKWIRE_TEST_HUGE=1");
    }
    return;
  }
  if (memory_available_bytes() < 3 * huge) {
    MESSAGE("skipped: less than " << 3 * huge << " bytes of memory are available");
    return;
  }
  constexpr std::size_t step = std::size_t{4097} * 4096;
  if (world.rank() == 1) {
    Buffer payload{huge};
    for (std::size_t at = 0; at < huge; at += step) payload.data()[at] = std::byte(at / step % 251);
    payload.data()[huge - 1] = std::byte{0x5A};
    world.send(0, 9, std::move(payload), patience);
  }
  if (world.rank() == 0) {
    const Message message = must_recv(world, 1, 9);
    EXPECT_EQUAL(message.payload.size(), huge);
    for (std::size_t at = 0; at < huge; at += step) {
      EXPECT(message.payload.data()[at] == std::byte(at / step % 251));
    }
    EXPECT(message.payload.data()[huge - 1] == std::byte{0x5A});
  }
}

}  // namespace conformance
