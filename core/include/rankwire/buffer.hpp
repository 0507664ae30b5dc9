#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rankwire {

/// Owns the bytes of one payload. They lie in one of three places: inside the Buffer itself (up to
/// `inline_bytes`, without an allocation), on the heap, or in memory of a transport or of the
/// caller, which is given back when the Buffer ends. Move-only; a moved-from Buffer is empty.
///
/// A move keeps the address of the bytes, unless they lie inside the Buffer.
class Buffer {
 public:
  static constexpr std::size_t inline_bytes = 64;
  /// Gives memory back to its owner, which `context` stands for. Called once, on the thread that
  /// ends the Buffer; that may be a transport's own thread. Must not throw.
  using Release = void (*)(void* context) noexcept;

  Buffer() noexcept = default;
  /// Makes a Buffer of `size` bytes, not initialised. From 1 MiB on it lies in huge pages of 2 MiB
  /// where the system has them (Linux: transparent huge pages); these take memory only when they
  /// are written. When such Buffers end, up to 128 MiB of their memory is kept for the next ones.
  /// Throws std::bad_alloc.
  explicit Buffer(std::size_t size);
  ~Buffer() { release(); }
  Buffer(Buffer&& other) noexcept { steal(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      steal(other);
    }
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  /// A copy of `bytes`. Costs one allocation above `inline_bytes`, none below.
  [[nodiscard]] static Buffer copy_of(std::span<const std::byte> bytes);
  [[nodiscard]] static Buffer copy_of(std::string_view text);
  /// Takes over `[data, data + size)` without a copy. When the Buffer ends, it calls
  /// `give_back(context)`.
  [[nodiscard]] static Buffer adopt(std::byte* data, std::size_t size, Release give_back,
                                    void* context) noexcept;
  /// Takes over a vector or string without copying its bytes. Costs one small allocation.
  template <class Container>
  [[nodiscard]] static Buffer from(Container&& container);

  [[nodiscard]] std::byte* data() noexcept { return data_; }
  [[nodiscard]] const std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {data(), size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data(), size_}; }
  /// The bytes as text. Valid while the Buffer is neither moved nor ended.
  [[nodiscard]] std::string_view text() const noexcept;

 private:
  void release() noexcept {
    if (release_ != nullptr) release_(context_);
    release_ = nullptr;
    data_ = inline_.data();
    size_ = 0;
  }
  void steal(Buffer& other) noexcept {
    size_ = std::exchange(other.size_, 0);
    release_ = std::exchange(other.release_, nullptr);
    context_ = other.context_;
    if (release_ != nullptr) {
      data_ = std::exchange(other.data_, other.inline_.data());
      return;
    }
    data_ = inline_.data();
    // Constant sizes avoid a call of memcpy. A small message moves five times on its way, and the
    // calls were a third of its time.
    if (size_ <= sizeof(std::uint64_t)) {
      std::memcpy(data_, other.data_, sizeof(std::uint64_t));
    } else {
      std::memcpy(data_, other.data_, inline_bytes);
    }
  }

  std::array<std::byte, inline_bytes> inline_;
  std::byte* data_ = inline_.data();
  std::size_t size_ = 0;
  Release release_ = nullptr;  // null: the bytes lie in inline_
  void* context_ = nullptr;
};

template <class Container>
Buffer Buffer::from(Container&& container) {
  static_assert(std::is_rvalue_reference_v<Container&&>,
                "Buffer::from takes over: std::move it in");
  using Value = typename Container::value_type;
  static_assert(std::is_trivially_copyable_v<Value>, "only plain bytes can be sent as they lie");
  auto owner = std::make_unique<Container>(std::forward<Container>(container));
  auto* const data = reinterpret_cast<std::byte*>(owner->data());
  const std::size_t size = owner->size() * sizeof(Value);
  return adopt(
      data, size, [](void* context) noexcept { delete static_cast<Container*>(context); },
      owner.release());
}

}  // namespace rankwire
