#include "rankwire/backend/batch.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "rankwire/message.hpp"

namespace rankwire {
namespace {

void put_u32(std::byte* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

bool is_batch(std::span<const std::byte> body, std::uint64_t message_bytes_max) {
  if (body.empty()) return false;
  while (!body.empty()) {
    const auto entry = take_entry(body);
    if (!entry || entry->tag > static_cast<std::uint32_t>(tag_max) ||
        entry->payload.size() > message_bytes_max) {
      return false;
    }
  }
  return true;
}

void Batch::grow(std::size_t needed) {
  constexpr std::size_t bytes_first = 1024;
  const std::size_t capacity = std::min(std::max({needed, 2 * capacity_, bytes_first}), bytes_max_);
  auto larger = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (!empty()) std::memcpy(larger.get(), bytes_.get(), size_);
  bytes_ = std::move(larger);
  capacity_ = capacity;
}

void Batch::add(std::uint32_t tag, std::span<const std::byte> payload) {
  const std::size_t needed = size_ + batch_entry_bytes + payload.size();
  if (needed > capacity_) grow(needed);
  std::byte* const at = bytes_.get() + size_;
  put_u32(at, tag);
  put_u32(at + 4, static_cast<std::uint32_t>(payload.size()));
  if (!payload.empty()) std::memcpy(at + batch_entry_bytes, payload.data(), payload.size());
  size_ += batch_entry_bytes + payload.size();
}

}  // namespace rankwire
