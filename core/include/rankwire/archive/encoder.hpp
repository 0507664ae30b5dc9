#pragma once

#include <map>
#include <memory>
#include <typeindex>
#include <utility>

#include "rankwire/archive/format.hpp"
#include "rankwire/archive/sendable.hpp"
#include "rankwire/buffer.hpp"

namespace rankwire::archive {

/// cereal's output archive for typed payloads. It grows in place. take() returns the result as a
/// Buffer; only what fits the Buffer's inline bytes is copied. Costs no allocation if the result
/// fits the inline bytes, and at most one for a payload of up to 512 bytes or a single block of any
/// size.
///
/// It refuses what a Decoder would refuse, with cereal::Exception; encode() turns that into a
/// UsageError.
class Encoder : public cereal::OutputArchive<Encoder, cereal::AllowEmptyClassElision> {
  using Base = cereal::OutputArchive<Encoder, cereal::AllowEmptyClassElision>;

 public:
  Encoder();
  ~Encoder() override;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Returns the payload. The archive is of no further use.
  [[nodiscard]] Buffer take();

  // The interface of cereal's archives, for types that can be sent (sendable.hpp).

  template <class... T>
  Encoder& operator()(T&&... values) {
    if constexpr ((check_sendable_part<T, Encoder>() && ...)) {
      (pass(std::forward<T>(values)), ...);
    }
    return *this;
  }
  template <class T>
  Encoder& operator&(T&& value) {
    return (*this)(std::forward<T>(value));
  }
  template <class T>
  Encoder& operator<<(T&& value) {
    return (*this)(std::forward<T>(value));
  }

  // For the save functions below.

  template <Scalar T>
  void put(T value) {
    std::byte* const to = extend(1 + sizeof(T));
    to[0] = static_cast<std::byte>(code_of<T>());
    copy_little_endian(to + 1, reinterpret_cast<const std::byte*>(&value), 1, sizeof(T));
  }
  /// `kind` is Code::size, or the code of a container's size.
  void put_size(std::uint64_t size, Code kind = Code::size) {
    std::byte* const to = extend(1 + sizeof size);
    to[0] = static_cast<std::byte>(kind);
    copy_little_endian(to + 1, reinterpret_cast<const std::byte*>(&size), 1, sizeof size);
    claims_.add(size, size_);
  }
  void put_label(std::string_view label) {
    std::byte* const to = extend(2 + label.size());
    to[0] = static_cast<std::byte>(Code::label);
    to[1] = static_cast<std::byte>(label.size());
    std::memcpy(to + 2, label.data(), label.size());
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

  // Shared pointers. cereal identifies an object by its address alone. This does so by address and
  // type, as the Decoder does.

  /// expect_shared gives the type of the pointers that come next; expect_weak says that the first
  /// of them is a weak one.
  void expect_shared(const std::type_info& type) { shared_type_ = &type; }
  void expect_weak() { shared_.weak = true; }
  void complete_shared() { shared_.complete(); }
  [[nodiscard]] std::uint32_t registerSharedPointer(const std::shared_ptr<const void>& object);

 private:
  /// See Decoder::pass.
  template <class T>
  void pass(T&& value) {
    if constexpr (is_deferred<std::remove_cvref_t<T>>) {
      (*this)(value.value);
    } else if constexpr (requires { as_base(value); }) {
      Base::operator()(as_base(value));
    } else {
      Base::operator()(std::forward<T>(value));
    }
  }

  /// Returns where to write the next `bytes` bytes, and counts them as written.
  std::byte* extend(std::size_t bytes) {
    if (bytes > capacity_ - size_) grow(bytes);
    std::byte* const to = data_ + size_;
    size_ += bytes;
    return to;
  }
  void grow(std::size_t bytes);
  void fill_up();
  [[noreturn]] static void fail_depth();

  // Not initialised: it is written before it is read.
  std::array<std::byte, Buffer::inline_bytes> inline_;
  std::byte* data_ = inline_.data();  // inline_, or a block of malloc
  std::size_t size_ = 0;
  std::size_t capacity_ = Buffer::inline_bytes;
  int depth_ = 0;
  Claims claims_;
  const std::type_info* shared_type_ = nullptr;
  SharedPath shared_;
  std::map<std::pair<const void*, std::type_index>, std::uint32_t> shared_ids_;
  std::vector<std::shared_ptr<const void>>
      shared_kept_;  // keeps the objects, so that no address is used twice
};

template <class T>
void prologue(Encoder& encoder, const T&) {
  if constexpr (nests<T>) encoder.begin();
}
template <class T>
void epilogue(Encoder& encoder, const T&) {
  if constexpr (nests<T>) encoder.end();
}

/// A std::variant that an exception has left without a value could not be received.
template <class... T>
void prologue(Encoder& encoder, const std::variant<T...>& value) {
  if (value.valueless_by_exception()) {
    throw cereal::Exception{"a std::variant in it has no value, since an exception was thrown"};
  }
  encoder.begin();
}
template <class T>
void prologue(Encoder& encoder,
              const cereal::memory_detail::PtrWrapper<const std::shared_ptr<T>&>&) {
  encoder.expect_shared(typeid(T));
}
template <class T>
void epilogue(Encoder& encoder,
              const cereal::memory_detail::PtrWrapper<const std::shared_ptr<T>&>&) {
  encoder.complete_shared();
}

template <Scalar T>
void save(Encoder& encoder, const T& value) {
  encoder.put(value);
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
  static_assert(BlockElement<Element>,
                "rankwire cannot send cereal::binary_data of this type T, or a string of wchar_t: "
                "only integers of up to 64 bits, float, double, bool, char and bytes travel as "
                "they lie in memory");
  if (block.size % sizeof(Element) != 0) {
    throw cereal::Exception{binary_data_refusal(block.size, sizeof(Element))};
  }
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
void serialize(Encoder& encoder, T (&values)[n]) {
  if constexpr (BlockElement<T>) {
    encoder.put_block(Code::array, values, n);
  } else {
    for (auto& value : values) encoder(value);
  }
}
/// Like cereal's function, but the Encoder knows that the pointer is weak.
template <class T>
requires(!std::is_polymorphic_v<T>) void save(Encoder& encoder, const std::weak_ptr<T>& pointer) {
  const auto object = pointer.lock();
  encoder.expect_weak();
  encoder(cereal::memory_detail::make_ptr_wrapper(object));
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
