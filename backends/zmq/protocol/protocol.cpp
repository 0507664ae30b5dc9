#include "protocol/protocol.hpp"

#include <cstring>
#include <random>
#include <string_view>

#include "rankwire/backend/texts.hpp"

namespace rankwire::zmq_wire {
namespace {

template <class Integer>
void put(std::byte* at, Integer value) {
  for (std::size_t i = 0; i < sizeof value; ++i) {
    at[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
}

template <class Integer>
Integer get(const std::byte* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value |= std::to_integer<std::uint64_t>(at[i]) << (8 * i);
  }
  return static_cast<Integer>(value);
}

}  // namespace

HeaderBytes to_bytes(const Header& header) {
  HeaderBytes bytes{};
  put(bytes.data(), Header::magic);
  put(bytes.data() + 2, static_cast<std::uint8_t>(header.kind));
  put(bytes.data() + 3, static_cast<std::uint8_t>(header.end));
  put(bytes.data() + 4, header.tag);
  put(bytes.data() + 8, header.bytes);
  put(bytes.data() + 16, header.sequence);
  put(bytes.data() + 20, header.ack);
  return bytes;
}

std::optional<Header> header_of(std::span<const std::byte> frame) {
  if (frame.size() < Header::wire_bytes) return std::nullopt;
  const std::byte* const at = frame.data();
  const auto kind = get<std::uint8_t>(at + 2);
  if (get<std::uint16_t>(at) != Header::magic || kind == 0 || kind > kind_max ||
      get<std::uint8_t>(at + 3) > link_end_max) {
    return std::nullopt;
  }
  return Header{static_cast<Kind>(kind),     get<std::uint32_t>(at + 4),
                get<std::uint64_t>(at + 8),  get<std::uint32_t>(at + 16),
                get<std::uint32_t>(at + 20), static_cast<LinkEnd>(get<std::uint8_t>(at + 3))};
}

Buffer body_of(const Reject& reject) {
  Buffer body{sizeof(std::uint32_t) + reject.text.size()};
  put(body.data(), static_cast<std::uint32_t>(reject.refusal));
  std::memcpy(body.data() + sizeof(std::uint32_t), reject.text.data(), reject.text.size());
  return body;
}

Reject reject_of(std::span<const std::byte> body) {
  if (body.size() < sizeof(std::uint32_t)) return {Refusal::damaged, "no reason given"};
  const auto text = body.subspan(sizeof(std::uint32_t));
  return {static_cast<Refusal>(get<std::uint32_t>(body.data())),
          printable({reinterpret_cast<const char*>(text.data()), text.size()}, cause_bytes_max)};
}

/// The job stays as it is: it is compared.
void make_printable(Hello& hello) {
  hello.host = printable(hello.host);
}

void make_printable(Welcome& welcome) {
  welcome.missing = printable(welcome.missing);
}

void make_printable(Member& member) {
  member.host = printable(member.host);
  member.endpoint = printable(member.endpoint, endpoint_bytes_max);
}

namespace {

void make_all_printable(std::vector<Departed>& list) {
  for (Departed& departed : list) departed.reason = printable(departed.reason, cause_bytes_max);
}

}  // namespace

void make_printable(DepartedList& list) {
  make_all_printable(list.others);
}

std::vector<Departed> all_departed(DepartedList&& list, int ranks) {
  std::vector<Departed> all = std::move(list.others);
  for (std::size_t i = 0; i < list.left.size() * 8; ++i) {
    const auto rank = static_cast<std::int64_t>(i) + list.first_left;
    const auto byte = static_cast<unsigned char>(list.left[i / 8]);
    if ((byte >> (i % 8) & 1U) != 0 && rank < ranks) {
      all.push_back({static_cast<std::int32_t>(rank), false, left_reason, 0});
    }
  }
  std::erase_if(all, [ranks](const Departed& one) { return one.rank < 0 || one.rank >= ranks; });
  return all;
}

void make_printable(Start& start) {
  for (Member& member : start.members) make_printable(member);
  make_all_printable(start.departed);
}

void make_printable(Abort& abort) {
  abort.host = printable(abort.host);
  abort.what = printable(abort.what, cause_bytes_max);
}

Token random_token() {
  std::random_device device;
  const auto word = [&] { return (std::uint64_t{device()} << 32) | device(); };
  return {word(), word()};
}

}  // namespace rankwire::zmq_wire
