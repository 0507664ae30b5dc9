#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/protocol.hpp"

using namespace rankwire::zmq_wire;

TEST_CASE("protocol: a header survives the wire, byte for byte as documented") {
  const auto bytes = to_bytes(
      {Kind::credit, 0x01020304, 0x1122334455667788, 0x0a0b0c0d, 0x1a1b1c1d, LinkEnd::receiver});
  const std::array<unsigned, 24> expected{0x52, 0x57, 0x0a, 0x02, 0x04, 0x03, 0x02, 0x01,
                                          0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
                                          0x0d, 0x0c, 0x0b, 0x0a, 0x1d, 0x1c, 0x1b, 0x1a};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::to_integer<unsigned>(bytes[i]) == expected[i]);
  }
  const auto header = header_of(bytes);
  REQUIRE(header);
  CHECK(header->kind == Kind::credit);
  CHECK(header->tag == 0x01020304);
  CHECK(header->bytes == 0x1122334455667788);
  CHECK(header->sequence == 0x0a0b0c0d);
  CHECK(header->ack == 0x1a1b1c1d);
  CHECK(header->end == LinkEnd::receiver);
}

TEST_CASE("protocol: what is not a header is none") {
  auto bytes = to_bytes({Kind::data, 1, 2});
  CHECK(!header_of(std::span{bytes}.first(23)));
  for (const std::size_t at : {0U, 1U, 2U, 3U}) {
    auto damaged = bytes;
    damaged[at] = std::byte{0xFF};
    CHECK(!header_of(damaged));
  }
  bytes[2] = std::byte{0};
  CHECK(!header_of(bytes));
}

TEST_CASE("protocol: a frame begins with its header") {
  const Header header{.kind = Kind::data, .tag = 5, .sequence = 6, .ack = 7};
  for (const std::size_t size :
       {std::size_t{0}, inline_payload_bytes_max, inline_payload_bytes_max + 1}) {
    std::vector<std::byte> body(size, std::byte{0xEE});
    const auto frame = frame_of(header, body);
    const std::span bytes{frame.data<std::byte>(), frame.size()};
    REQUIRE(bytes.size() == Header::wire_bytes + size);
    CHECK(std::ranges::equal(to_bytes(header), bytes.first(24)));
    REQUIRE(header_of(bytes));
    CHECK(header_of(bytes)->sequence == 6);
    CHECK(std::ranges::equal(body_in(bytes), body));
  }
}

TEST_CASE("protocol: a refusal is readable, and a damaged one too") {
  const auto body = body_of({Refusal::full, "no room"});
  CHECK(reject_of(body.bytes()).refusal == Refusal::full);
  CHECK(reject_of(body.bytes()).text == "no room");
  CHECK(reject_of(body.bytes().first(3)).refusal == Refusal::damaged);
}
