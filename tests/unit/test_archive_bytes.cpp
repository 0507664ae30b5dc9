#include <array>
#include <bitset>
#include <chrono>
#include <cstring>
#include <deque>
#include <set>
#include <span>
#include <variant>

#include "archive_round_trip.hpp"

// What is on the wire, byte by byte, and what has no place there.

using namespace rankwire;

namespace {

struct Raw {
  std::array<char, 16> text{};
  std::size_t bytes = 16;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::binary_data(static_cast<double*>(static_cast<void*>(text.data())), bytes));
  }
};

struct Bytes {
  std::array<char, 3> text{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::binary_data(static_cast<void*>(text.data()), text.size()));
  }
};

}  // namespace

TEST_CASE("archive: sizes that count nothing that is there") {
  check_round_trip(Matrix{0, 1000, {}});
  check_round_trip(Matrix{1000, 0, {}});
  check_round_trip(Matrix{0, archive::fill_bytes_max, {}});
  check_round_trip(Matrix{2, 3, {1, 2, 3, 4, 5, 6}});
  check_round_trip(std::vector<Matrix>{{0, 100, {}}, {100, 0, {}}, {1, 1, {1}}});
  check_round_trip(std::pair{Matrix{7, 300, {}}, std::vector<std::string>{"a"}});
  CHECK(encode(Matrix{0, 1000, {}}).size() == 1020);
  CHECK(encode(Matrix{2, 3, {1, 2, 3, 4, 5, 6}}).size() == 79);
  for (const auto size : {std::uint64_t{1} << 30, UINT64_MAX}) {
    const auto text = text_of<UsageError>([&] { (void)encode(Matrix{0, size, {}}); });
    CHECK_SAYS(text, "cannot send a Matrix: cereal::make_size_tag");
    CHECK_SAYS(text, "archive(rows, columns)");
    CHECK_SAYS(text_of<UsageError>([&] { (void)encode(Matrix{size, size, {}}); }), "Matrix");
  }
}

TEST_CASE("archive: what fills up is of the right size and kind") {
  const auto bytes = encode(Matrix{0, 30, {}});
  const auto fails = [](const std::string& text) {
    const auto changed = Buffer::copy_of(text);
    return text_of<DecodeError>([&] { (void)decode<Matrix>(changed.bytes()); });
  };
  const std::string whole{bytes.text()};
  CHECK_SAYS(fails(whole.substr(0, whole.size() - 1)), "more than the bytes can hold");
  CHECK_SAYS(fails(whole + "\x6f"), "expected the end of the message");
  CHECK_SAYS(fails(whole.substr(0, whole.size() - 1) + "x"), "expected the end of the message");
}

TEST_CASE("archive: binary_data is as long as its elements, or an error") {
  alignas(double) Raw raw;
  std::strcpy(raw.text.data(), "hello world 123");
  CHECK(round_trip(raw).text == raw.text);
  raw.bytes = 12;
  const auto text = text_of<UsageError>([&] { (void)encode(raw); });
  CHECK_SAYS(text, "Raw: cereal::binary_data of 12 bytes");
  CHECK_SAYS(text, "elements of 8 bytes");
  CHECK(round_trip(Bytes{{'a', 'b', 'c'}}).text == std::array{'a', 'b', 'c'});
}

TEST_CASE("archive: a variant without a value is refused by the sender") {
  struct Thrower {
    Thrower() = default;
    Thrower(const Thrower&) { throw 1; }
  };
  std::variant<int, Thrower> variant{1};
  try {
    variant = Thrower{};
  } catch (int) {
  }
  REQUIRE(variant.valueless_by_exception());
  CHECK_SAYS(text_of<UsageError>([&] { (void)encode(variant); }), "has no value");
}

TEST_CASE("archive: the bytes are those of the specification") {
  const auto text_bytes = [](const Buffer& buffer) { return std::string{buffer.text()}; };
  CHECK(text_bytes(encode(std::uint16_t{0x1234})) == std::string("\xf9\x21\x34\x12", 4));
  CHECK(text_bytes(encode(true)) == std::string("\xf9\x10\x01", 3));
  CHECK(text_bytes(encode(std::string{"ab"})) ==
        std::string("\xf9\x51\x11\x02\0\0\0\0\0\0\0ab", 13));
  CHECK(text_bytes(encode(std::vector<std::int16_t>{1})) ==
        std::string("\xf9\x50\x31\x01\0\0\0\0\0\0\0\x01\0", 13));
  CHECK(text_bytes(encode(std::pair<char, bool>{'x', false})) ==
        std::string("\xf9\x70\x11x\x10\0\x71", 7));
  CHECK(text_bytes(encode(std::set<bool>{true})) ==
        std::string("\xf9\x70\x62\x01\0\0\0\0\0\0\0\x10\x01\x71", 14));
  CHECK(text_bytes(encode(std::chrono::duration<std::uint8_t>{5})) ==
        std::string("\xf9\x70\x61\x11"
                    "duration in 1/1 s\x20\x05\x71",
                    24));
  CHECK(text_bytes(encode(std::bitset<9>{0x101})) ==
        std::string("\xf9\x70\x61\x10"
                    "bitset of 9 bits\x50\x20\x02\0\0\0\0\0\0\0\x01\x01\x71",
                    33));
  CHECK(text_bytes(encode(std::deque<bool>{true})) ==
        std::string("\xf9\x70\x60\x01\0\0\0\0\0\0\0\x10\x01\x71", 14));
}

TEST_CASE("archive: bytes are reversed element by element for a host of the other order") {
  const std::array<std::uint32_t, 2> native{0x01020304, 0xa1a2a3a4};
  std::array<std::byte, 8> reversed{};
  archive::copy_reversed(reversed.data(), std::as_bytes(std::span{native}).data(), 2, 4);
  std::array<std::uint32_t, 2> swapped{};
  std::memcpy(swapped.data(), reversed.data(), 8);
  CHECK(swapped == std::array<std::uint32_t, 2>{0x04030201, 0xa4a3a2a1});
  archive::copy_reversed(nullptr, nullptr, 0, 8);
}

TEST_CASE("archive: a small value is encoded inside the Buffer, a large block in one piece") {
  const auto small = encode(Point{1, 2});
  const auto* const object = reinterpret_cast<const std::byte*>(&small);
  CHECK(small.data() >= object);
  CHECK(small.data() < object + sizeof small);
  for (std::size_t count = 0; count < 300; ++count) {
    check_round_trip(std::pair{std::string(count, 'x'), std::vector<int>(count)});
  }
}
