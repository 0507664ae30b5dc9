#include <doctest/doctest.h>
#include <sys/resource.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rankwire/buffer.hpp"

using rankwire::Buffer;

namespace {

bool inside(const Buffer& buffer) {
  const auto* const object = reinterpret_cast<const std::byte*>(&buffer);
  return buffer.data() >= object && buffer.data() < object + sizeof buffer;
}

Buffer adopted(std::array<std::byte, 4>& memory, int& releases) {
  return Buffer::adopt(
      memory.data(), memory.size(), [](void* count) noexcept { ++*static_cast<int*>(count); },
      &releases);
}

}  // namespace

TEST_CASE("buffer: lies inside itself up to inline_bytes, on the heap above") {
  CHECK(inside(Buffer{}));
  CHECK(inside(Buffer{Buffer::inline_bytes}));
  CHECK_FALSE(inside(Buffer{Buffer::inline_bytes + 1}));
  CHECK(Buffer{}.empty());
  CHECK(Buffer{65}.size() == 65);
}

TEST_CASE("buffer: copies bytes and text") {
  const std::string small = "small";
  const std::string large(1000, 'x');
  CHECK(Buffer::copy_of(small).text() == small);
  CHECK(Buffer::copy_of(large).text() == large);
  CHECK(Buffer::copy_of(std::string_view{}).empty());
  CHECK(Buffer::copy_of(std::span<const std::byte>{}).empty());
}

TEST_CASE("buffer: a move keeps the content, and the address of what is not inside") {
  auto small = Buffer::copy_of("small");
  const Buffer small_moved{std::move(small)};
  CHECK(small_moved.text() == "small");
  CHECK(inside(small_moved));

  auto large = Buffer::copy_of(std::string(100, 'x'));
  const auto* const address = large.data();
  Buffer large_moved{std::move(large)};
  CHECK(large_moved.data() == address);
  Buffer assigned = Buffer::copy_of(std::string(200, 'y'));
  assigned = std::move(large_moved);
  CHECK(assigned.data() == address);
  CHECK(assigned.text() == std::string(100, 'x'));
}

TEST_CASE("buffer: moved-from is empty and can be used again") {
  for (const std::size_t size : {std::size_t{5}, std::size_t{500}}) {
    Buffer from{size};
    const Buffer to{std::move(from)};
    CHECK(from.empty());  // NOLINT(bugprone-use-after-move): promised
    CHECK(inside(from));
    from = Buffer::copy_of("again");
    CHECK(from.text() == "again");
  }
}

TEST_CASE("buffer: a self move changes nothing") {
  for (const auto& text : {std::string{"small"}, std::string(100, 'x')}) {
    auto buffer = Buffer::copy_of(text);
    auto& same = buffer;
    buffer = std::move(same);
    CHECK(buffer.text() == text);
  }
}

TEST_CASE("buffer: adopted memory is given back once, when the last owner ends") {
  std::array<std::byte, 4> memory{};
  int releases = 0;
  {
    auto first = adopted(memory, releases);
    CHECK(first.data() == memory.data());
    Buffer second{std::move(first)};
    CHECK(second.data() == memory.data());
    Buffer third;
    third = std::move(second);
    CHECK(releases == 0);
  }
  CHECK(releases == 1);
}

TEST_CASE("buffer: an assignment gives back what was there before") {
  std::array<std::byte, 4> memory{};
  int releases = 0;
  auto buffer = adopted(memory, releases);
  buffer = Buffer::copy_of("other");
  CHECK(releases == 1);
  CHECK(buffer.text() == "other");
}

TEST_CASE("buffer: takes vectors and strings over where they lie") {
  std::vector<std::int32_t> numbers{1, 2, 3};
  const auto* const address = reinterpret_cast<const std::byte*>(numbers.data());
  const auto from_vector = Buffer::from(std::move(numbers));
  CHECK(from_vector.data() == address);
  CHECK(from_vector.size() == 12);
  CHECK(Buffer::from(std::string(100, 'x')).text() == std::string(100, 'x'));
  CHECK(Buffer::from(std::string{"short"}).text() == "short");
  CHECK(Buffer::from(std::vector<int>{}).empty());
}

TEST_CASE("buffer: memory of huge ones serves for the next, and not all of it is kept") {
  const auto touch = [](std::size_t size) {
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    Buffer buffer{size};
    for (std::size_t i = 0; i < size; i += 4096) buffer.data()[i] = std::byte{1};
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
  };
  constexpr std::size_t size = std::size_t{40} << 20;  // 20 huge pages
  touch(size);
  CHECK(touch(size) < 10);
  CHECK(touch(size - 1000) < 10);
  for (std::size_t more = 1; more < 8; ++more) touch(size + (more << 20));  // others make room
  touch(2 * size);
  CHECK(touch(2 * size) < 10);
  constexpr std::size_t too_large = std::size_t{200} << 20;
  touch(too_large);
  CHECK(touch(too_large) > 50);
}

TEST_CASE("buffer: a window of large ones is kept") {
  static constexpr std::size_t size = std::size_t{1} << 20;
  const auto window = [] {
    std::vector<Buffer> buffers;
    for (int i = 0; i < 64; ++i) buffers.emplace_back(size);
    std::set<const std::byte*> addresses;
    for (const auto& buffer : buffers) addresses.insert(buffer.data());
    return addresses;
  };
  const auto first = window();
  CHECK(first.size() == 64);
  CHECK(window() == first);
}

TEST_CASE("buffer: large ones ask for huge pages") {
  std::ifstream setting{"/sys/kernel/mm/transparent_hugepage/enabled"};
  if (!setting) {
    MESSAGE("skipped: this system has no transparent huge pages");
    return;
  }
  Buffer buffer{std::size_t{1} << 20};
  const auto address = reinterpret_cast<std::uintptr_t>(buffer.data());
  CHECK(address % (std::size_t{2} << 20) == 0);
  std::ifstream maps{"/proc/self/smaps"};
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0, end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) {
      inside = begin <= address && address < end;
    }
    if (!inside || !line.starts_with("VmFlags:")) continue;
    CHECK(line.find(" hg") != std::string::npos);
    return;
  }
  FAIL("no mapping has the Buffer's address");
}
