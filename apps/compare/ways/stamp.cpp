#include "ways/stamp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <rankwire/errors.hpp>
#include <vector>

namespace comparison {
namespace {

/// The pattern, as long as the longest that was asked for. A thread's own: ranks may be threads.
std::span<const std::byte> pattern(std::size_t bytes) {
  thread_local std::vector<std::byte> known;
  for (std::size_t at = known.size(); at < bytes; ++at) {
    known.push_back(static_cast<std::byte>((at * 31 + (at >> 8)) & 0xff));
  }
  return std::span{known}.first(bytes);
}

template <class Byte>
std::span<Byte> middle_of(std::span<Byte> payload) {
  const std::size_t ends = std::min(payload.size(), 2 * stamp_bytes);
  return payload.subspan(ends / 2, payload.size() - ends);
}

}  // namespace

void stamp(std::span<std::byte> payload, std::uint64_t number) {
  std::memcpy(payload.data(), &number, sizeof number);
  std::memcpy(payload.data() + payload.size() - sizeof number, &number, sizeof number);
}

std::uint64_t stamp_of(std::span<const std::byte> payload) {
  std::uint64_t front = 0, back = 1;
  if (payload.size() >= sizeof front) {
    std::memcpy(&front, payload.data(), sizeof front);
    std::memcpy(&back, payload.data() + payload.size() - sizeof back, sizeof back);
  }
  if (front != back) {
    throw rankwire::Error{fmt::format(
        "a payload of {} bytes came damaged: it begins with number {}, and ends with {}",
        payload.size(), front, back)};
  }
  return front;
}

void touch_middle(std::span<std::byte> payload) {
  constexpr std::size_t page_bytes = 4096;
  const auto middle = middle_of(payload);
  for (std::size_t at = 0; at < middle.size(); at += page_bytes) middle[at] = std::byte{0};
}

void fill_middle(std::span<std::byte> payload) {
  const auto middle = middle_of(payload);
  if (!middle.empty()) std::memcpy(middle.data(), pattern(middle.size()).data(), middle.size());
}

void check_middle(std::span<const std::byte> payload) {
  const auto middle = middle_of(payload);
  const auto expected = pattern(middle.size());
  const auto [wrong, right] = std::mismatch(middle.begin(), middle.end(), expected.begin());
  if (wrong == middle.end()) return;
  throw rankwire::Error{
      fmt::format("a payload of {} bytes came damaged: byte {} is {}, and {} was sent",
                  payload.size(), stamp_bytes + static_cast<std::size_t>(wrong - middle.begin()),
                  static_cast<int>(*wrong), static_cast<int>(*right))};
}

}  // namespace comparison
