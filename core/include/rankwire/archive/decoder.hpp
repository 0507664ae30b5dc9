#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include "rankwire/archive/format.hpp"
#include "rankwire/archive/sendable.hpp"

namespace rankwire::archive {

/// cereal's input archive for typed payloads. It borrows the bytes. Whatever they are, each
/// function gives what was asked for or throws DecodeError, and allocates nothing for a size that
/// the bytes could not fill (archive.hpp).
class Decoder : public cereal::InputArchive<Decoder, cereal::AllowEmptyClassElision> {
  using Base = cereal::InputArchive<Decoder, cereal::AllowEmptyClassElision>;

 public:
  /// Throws DecodeError if `bytes` do not begin as a typed payload of this version.
  explicit Decoder(std::span<const std::byte> bytes);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Throws DecodeError if bytes remain, except those that fill up what sizes have claimed.
  void finish() const;
  /// Throws DecodeError with `what` and the position.
  [[noreturn]] void fail(std::string_view what) const;

  // The interface of cereal's archives, for types that can be received (sendable.hpp).

  template <class... T>
  Decoder& operator()(T&&... values) {
    if constexpr ((check_receivable_part<T, Decoder>() && ...)) {
      (pass(std::forward<T>(values)), ...);
    }
    return *this;
  }
  template <class T>
  Decoder& operator&(T&& value) {
    return (*this)(std::forward<T>(value));
  }
  template <class T>
  Decoder& operator>>(T&& value) {
    return (*this)(std::forward<T>(value));
  }

  // For the load functions below.

  template <Scalar T>
  void get(T& value) {
    expect(code_of<T>());
    if (sizeof(T) > left()) fail_cut();
    if constexpr (std::same_as<T, bool>) check_bools(1);
    copy(&value, 1);
  }
  /// The number of elements that follow; never more than the bytes can hold. `kind` as in
  /// Encoder::put_size.
  [[nodiscard]] std::uint64_t get_size(Code kind = Code::size);
  void expect_label(std::string_view label);
  /// Reads the head of a block and returns its count of elements, all of which are there. `kind` is
  /// array or string. Call get_block next.
  template <BlockElement T>
  [[nodiscard]] std::size_t get_block_head(Code kind) {
    return get_block_head(kind, code_of<T>(), sizeof(T));
  }
  /// `to` may be null when `count` is 0.
  template <BlockElement T>
  void get_block(T* to, std::size_t count) {
    if constexpr (std::same_as<T, bool>) check_bools(count);
    copy(to, count);
  }
  /// Reads a block of exactly `count` elements.
  template <BlockElement T>
  void get_block_exactly(T* to, std::size_t count) {
    const std::size_t found = get_block_head<T>(Code::array);
    if (found != count) fail_count(count, found);
    get_block(to, count);
  }
  /// Like get_block_head, for a payload that is one block and nothing else.
  template <BlockElement T>
  [[nodiscard]] std::size_t get_only_block_head(Code kind) {
    const std::size_t count = get_block_head<T>(kind);
    if (left() != count * sizeof(T)) fail_rest(count * sizeof(T));
    if constexpr (std::same_as<T, bool>) check_bools(count);
    return count;
  }
  void begin() {
    expect(Code::begin);
    if (++depth_ > depth_max) fail_depth();
  }
  void end() {
    --depth_;
    expect(Code::end);
  }

  // Shared pointers. cereal casts the object that an id names to the wanted type, whatever it is.
  // These functions replace cereal's of the same names, and know the type of each object.

  /// Gives the type of the pointers whose ids come next.
  void expect_shared(const std::type_info& type) { shared_type_ = &type; }
  /// Says that the first of them is a weak one.
  void expect_weak() { path_.weak = true; }
  void complete_shared() { path_.complete(); }
  [[nodiscard]] std::shared_ptr<void> getSharedPointer(std::uint32_t id);
  void registerSharedPointer(std::uint32_t id, std::shared_ptr<void> object);

  /// The mark of a std::unique_ptr comes next. It must be 0 or 1; cereal would take every value but
  /// 0 for "not null".
  void expect_unique() const {
    if (left() > 1 && bytes_[at_] == static_cast<std::byte>(Code::u8)) check_mark(at_ + 1);
  }

 private:
  /// cereal would remember deferred parts and virtual bases by their addresses. But a decoded
  /// object may move, for example into a map, and another may then have its address. So nothing is
  /// deferred, and a virtual base is read each time it is named.
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

  struct Shared {
    const std::type_info* type;
    std::shared_ptr<void> object;
  };

  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  void expect(Code code) {
    if (at_ == bytes_.size() || bytes_[at_] != static_cast<std::byte>(code)) fail_expected(code);
    ++at_;
  }
  template <class T>
  void copy(T* to, std::size_t count) {
    copy_little_endian(reinterpret_cast<std::byte*>(to), bytes_.data() + at_, count, sizeof(T));
    at_ += count * sizeof(T);
  }
  [[nodiscard]] std::uint64_t get_count();
  [[nodiscard]] std::size_t get_block_head(Code kind, Code element, std::size_t width);
  void check_bools(std::size_t count) const;
  void check_mark(std::size_t at) const;
  [[noreturn]] void fail_expected(Code expected) const;
  [[noreturn]] void fail_element(Code kind, Code expected) const;
  [[noreturn]] void fail_count(std::size_t expected, std::size_t found) const;
  [[noreturn]] void fail_cut() const;
  [[noreturn]] void fail_rest(std::size_t bytes) const;
  [[noreturn]] void fail_depth() const;

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  Claims claims_;
  int depth_ = 0;
  const std::type_info* shared_type_ = nullptr;
  std::vector<Shared> shared_;  // the object with id n is at n - 1
  SharedPath path_;
};

template <class T>
void prologue(Decoder& decoder, const T&) {
  if constexpr (nests<T>) decoder.begin();
}
template <class T>
void epilogue(Decoder& decoder, const T&) {
  if constexpr (nests<T>) decoder.end();
}
template <class T>
void prologue(Decoder& decoder, const cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>&) {
  decoder.expect_shared(typeid(T));
}
template <class T>
void epilogue(Decoder& decoder, const cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>&) {
  decoder.complete_shared();
}
template <class T, class D>
void prologue(Decoder& decoder, const cereal::memory_detail::PtrWrapper<std::unique_ptr<T, D>&>&) {
  decoder.expect_unique();
}

template <Scalar T>
void load(Decoder& decoder, T& value) {
  decoder.get(value);
}
template <class T>
void serialize(Decoder& decoder, cereal::NameValuePair<T>& pair) {
  decoder(pair.value);
}
template <class T>
void load(Decoder& decoder, cereal::SizeTag<T>& tag) {
  tag.size = static_cast<std::remove_reference_t<T>>(decoder.get_size());
}
template <class T>
void load(Decoder& decoder, cereal::BinaryData<T>& block) {
  using Element = element_of<T>;
  static_assert(BlockElement<Element>,
                "rankwire cannot send cereal::binary_data of this type T, or a string of wchar_t: "
                "only integers of up to 64 bits, float, double, bool, char and bytes travel as "
                "they lie in memory");
  if (block.size % sizeof(Element) != 0) {
    decoder.fail(binary_data_refusal(block.size, sizeof(Element)));
  }
  decoder.get_block_exactly(static_cast<Element*>(block.data), block.size / sizeof(Element));
}
template <Scalar C, class R, class A>
void load(Decoder& decoder, std::basic_string<C, R, A>& text) {
  const std::size_t count = decoder.get_block_head<C>(Code::string);
  text.resize(count);
  decoder.get_block(text.data(), count);
}
template <BlockElement T, class A>
requires(!std::same_as<T, bool>) void load(Decoder& decoder, std::vector<T, A>& values) {
  const std::size_t count = decoder.get_block_head<T>(Code::array);
  values.resize(count);
  decoder.get_block(values.data(), count);
}
template <BlockElement T, std::size_t n>
void load(Decoder& decoder, std::array<T, n>& values) {
  decoder.get_block_exactly(values.data(), n);
}
template <Scalar T>
void load(Decoder& decoder, std::valarray<T>& values) {
  const std::size_t count = decoder.get_block_head<T>(Code::array);
  values.resize(count);
  decoder.get_block(count == 0 ? nullptr : &values[0], count);
}
template <class T, std::size_t n>
void serialize(Decoder& decoder, T (&values)[n]) {
  if constexpr (BlockElement<T>) {
    decoder.get_block_exactly(values, n);
  } else {
    for (auto& value : values) decoder(value);
  }
}
/// Like cereal's function, but the Decoder knows that the pointer is weak.
template <class T>
requires(!std::is_polymorphic_v<T>) void load(Decoder& decoder, std::weak_ptr<T>& pointer) {
  std::shared_ptr<T> object;
  decoder.expect_weak();
  decoder(cereal::memory_detail::make_ptr_wrapper(object));
  pointer = object;
}

}  // namespace rankwire::archive
