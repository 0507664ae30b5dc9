#pragma once

#include "rankwire/archive/wire.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::archive {

/// cereal's output archive of typed payloads. Grows in place; take() ends it as a Buffer without
/// copying what has outgrown the Buffer's inline bytes. At most one allocation for a payload of up
/// to 512 bytes and for a single block of any size; none where the result fits the inline bytes.
class Encoder : public cereal::OutputArchive<Encoder> {
 public:
  Encoder();
  ~Encoder() override;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// The payload; leaves the archive empty and of no further use.
  [[nodiscard]] Buffer take();

  // For the save functions below.

  template <Scalar T>
  void put(T value) {
    std::byte* const to = extend(1 + sizeof(T));
    to[0] = static_cast<std::byte>(code_of<T>());
    copy_little_endian(to + 1, reinterpret_cast<const std::byte*>(&value), 1, sizeof(T));
  }
  void put_size(std::uint64_t size) {
    std::byte* const to = extend(1 + sizeof size);
    to[0] = static_cast<std::byte>(Code::size);
    copy_little_endian(to + 1, reinterpret_cast<const std::byte*>(&size), 1, sizeof size);
  }
  /// `kind` is array or string. `data` may be null when `count` is 0.
  template <BlockElement T>
  void put_block(Code kind, const T* data, std::uint64_t count) {
    std::byte* to = extend(2 + sizeof count + count * sizeof(T));
    to[0] = static_cast<std::byte>(kind);
    to[1] = static_cast<std::byte>(code_of<T>());
    copy_little_endian(to + 2, reinterpret_cast<const std::byte*>(&count), 1, sizeof count);
    to += 2 + sizeof count;
    copy_little_endian(to, reinterpret_cast<const std::byte*>(data), count, sizeof(T));
  }
  void begin() {
    if (++depth_ > depth_max) fail_depth();
    *extend(1) = static_cast<std::byte>(Code::begin);
  }
  void end() {
    --depth_;
    *extend(1) = static_cast<std::byte>(Code::end);
  }

 private:
  /// Where to write the next `bytes` bytes, which then count as written.
  std::byte* extend(std::size_t bytes) {
    if (bytes > capacity_ - size_) grow(bytes);
    std::byte* const to = data_ + size_;
    size_ += bytes;
    return to;
  }
  void grow(std::size_t bytes);
  [[noreturn]] static void fail_depth();

  // Not initialised: it is written before it is read.
  std::array<std::byte, Buffer::inline_bytes> inline_;
  std::byte* data_ = inline_.data();  // inline_, or a block of malloc
  std::size_t size_ = 0;
  std::size_t capacity_ = Buffer::inline_bytes;
  int depth_ = 0;
};

template <class T>
void prologue(Encoder& encoder, const T&) {
  if constexpr (nests<T>) encoder.begin();
}
template <class T>
void epilogue(Encoder& encoder, const T&) {
  if constexpr (nests<T>) encoder.end();
}

template <Scalar T>
void save(Encoder& encoder, const T& value) {
  encoder.put(value);
}
template <class T>
requires(std::is_arithmetic_v<T> && !Scalar<T>) void save(Encoder&, const T&) {
  static_assert(never<T>,
                "long double and wchar_t differ between machines: send a double, char16_t "
                "or char32_t");
}
template <class T>
void serialize(Encoder& encoder, cereal::NameValuePair<T>& pair) {
  encoder(pair.value);
}
template <class T>
void save(Encoder& encoder, const cereal::SizeTag<T>& tag) {
  encoder.put_size(static_cast<std::uint64_t>(tag.size));
}
template <class T>
void save(Encoder& encoder, const cereal::BinaryData<T>& block) {
  using Element = element_of<T>;
  static_assert(BlockElement<Element>, "only arithmetic data travels as it lies in memory");
  encoder.put_block(Code::array, static_cast<const Element*>(block.data),
                    block.size / sizeof(Element));
}
template <Scalar C, class R, class A>
void save(Encoder& encoder, const std::basic_string<C, R, A>& text) {
  encoder.put_block(Code::string, text.data(), text.size());
}
/// The receiver asks for a std::string.
template <Scalar C, class R>
void save(Encoder& encoder, const std::basic_string_view<C, R>& text) {
  encoder.put_block(Code::string, text.data(), text.size());
}
template <BlockElement T, class A>
requires(!std::same_as<T, bool>) void save(Encoder& encoder, const std::vector<T, A>& values) {
  encoder.put_block(Code::array, values.data(), values.size());
}
template <BlockElement T, std::size_t n>
void save(Encoder& encoder, const std::array<T, n>& values) {
  encoder.put_block(Code::array, values.data(), n);
}
template <Scalar T>
void save(Encoder& encoder, const std::valarray<T>& values) {
  encoder.put_block(Code::array, values.size() == 0 ? nullptr : &values[0], values.size());
}
template <class T, std::size_t n>
requires(!nests<T[n]>) void serialize(Encoder& encoder, T (&values)[n]) {
  using Element = std::remove_all_extents_t<T>;
  encoder.put_block(Code::array, reinterpret_cast<const Element*>(&values),
                    sizeof values / sizeof(Element));
}
/// The receiver asks for a std::vector.
template <class T, std::size_t n>
void save(Encoder& encoder, const std::span<T, n>& values) {
  if constexpr (BlockElement<std::remove_cv_t<T>>) {
    encoder.put_block(Code::array, values.data(), values.size());
  } else {
    encoder.put_size(values.size());
    for (const auto& value : values) encoder(value);
  }
}

}  // namespace rankwire::archive
