#include "rankwire/buffer.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "channel/huge_blocks.hpp"

namespace rankwire {

Buffer::Buffer(std::size_t size) : size_{size} {
  if (size <= inline_bytes) return;
  // malloc and mmap give large blocks as untouched pages. So a size that a peer announces costs
  // memory only as its bytes arrive.
  if (size >= huge_bytes) {
    HugeBlock* const block = take_huge_block(size);
    if (block == nullptr) throw std::bad_alloc{};
    data_ = block->data;
    context_ = block;
    release_ = give_back_huge_block;
    return;
  }
  void* const block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc{};
  data_ = static_cast<std::byte*>(block);
  context_ = block;
  release_ = [](void* context) noexcept { std::free(context); };
}

Buffer Buffer::copy_of(std::span<const std::byte> bytes) {
  Buffer copy{bytes.size()};
  if (!bytes.empty()) std::memcpy(copy.data(), bytes.data(), bytes.size());
  return copy;
}

Buffer Buffer::copy_of(std::string_view text) {
  return copy_of(std::as_bytes(std::span{text.data(), text.size()}));
}

Buffer Buffer::adopt(std::byte* data, std::size_t size, Release give_back, void* context) noexcept {
  Buffer adopted;
  adopted.data_ = data;
  adopted.size_ = size;
  adopted.release_ = give_back;
  adopted.context_ = context;
  return adopted;
}

std::string_view Buffer::text() const noexcept {
  return {reinterpret_cast<const char*>(data()), size_};
}

}  // namespace rankwire
