#include <utility>

#include "../support/count_new.hpp"
#include "archive_kinds.hpp"
#include "fuzz.hpp"

// Hostile bytes to a receiver of typed messages: a value or a DecodeError, no more memory than the
// bytes justify, and what was decoded can be sent on and is the same again.

namespace {

using Bytes = std::span<const std::byte>;

/// What a decode may allocate, in all: see "hostile bytes" in archive.hpp. Large is 8000 bytes in
/// memory for the 4 that an instance takes on the wire.
template <class T>
constexpr std::size_t allowance(std::size_t bytes) {
  constexpr bool multiplies =
      std::is_same_v<T, std::vector<Large>> || std::is_same_v<T, std::deque<Large>>;
  return (multiplies ? 8192 : 64) * bytes + std::size_t{64} * 1024;
}

bool same(Bytes left, Bytes right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end());
}

template <class T>
std::optional<T> decoded(Bytes bytes) {
  const std::size_t before = allocated_so_far().bytes;
  std::optional<T> value;
  try {
    value.emplace(rankwire::decode<T>(bytes));
  } catch (const rankwire::DecodeError&) {
  }
  fuzz::require(allocated_so_far().bytes - before <= allowance<T>(bytes.size()),
                "a decode allocates more than its bytes justify");
  return value;
}

template <class T>
void check(fuzz::Exact<T>, Bytes bytes) {
  const auto value = decoded<T>(bytes);
  if (!value) return;
  fuzz::require(same(rankwire::encode(*value).bytes(), bytes), "encoded to other bytes");
}

template <class T>
void check(fuzz::Stable<T>, Bytes bytes) {
  const auto value = decoded<T>(bytes);
  if (!value) return;
  const auto once = rankwire::encode(*value);
  const auto twice = rankwire::encode(rankwire::decode<T>(once.bytes()));
  fuzz::require(same(once.bytes(), twice.bytes()), "encoded to other bytes the second time");
}

template <class T>
void check(fuzz::Unordered<T>, Bytes bytes) {
  const auto value = decoded<T>(bytes);
  if (!value) return;
  const auto again = rankwire::encode(*value);
  fuzz::require(rankwire::decode<T>(again.bytes()) == *value, "decoded to another value");
}

template <std::size_t... index>
void check_kind(std::size_t kind, Bytes bytes, std::index_sequence<index...>) {
  ((kind == index ? check(std::tuple_element_t<index, fuzz::Kinds>{}, bytes) : void()), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  check_kind(data[0] % fuzz::kinds, fuzz::bytes_of(data + 1, size - 1),
             std::make_index_sequence<fuzz::kinds>{});
  return 0;
}
