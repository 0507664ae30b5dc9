#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <typeinfo>
#include <utility>

#include "rankwire/archive/wire.hpp"

namespace rankwire::archive {

/// cereal's input archive of typed payloads. Borrows the bytes. Whatever they are, its functions
/// give what was asked for or throw DecodeError, and nothing is allocated for a size that the bytes
/// could not fill (see archive.hpp).
class Decoder : public cereal::InputArchive<Decoder> {
 public:
  /// Throws DecodeError where `bytes` do not begin as a typed payload of this version.
  explicit Decoder(std::span<const std::byte> bytes);
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  /// Throws DecodeError when bytes remain.
  void finish() const;
  /// Throws DecodeError: `what`, and where.
  [[noreturn]] void fail(std::string_view what) const;

  // For the load functions below.

  template <Scalar T>
  void get(T& value) {
    expect(code_of<T>());
    if (sizeof(T) > left()) fail_cut();
    if constexpr (std::same_as<T, bool>) check_bools(1);
    copy(&value, 1);
  }
  /// A number of elements that follow: at most what the bytes can hold.
  [[nodiscard]] std::uint64_t get_size();
  /// Passes the head of a block (`kind` is array or string) and gives its count of elements, all of
  /// which are there: get_block comes next.
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
  /// A block of arithmetic values into memory that is there already.
  template <BlockElement T>
  void get_block_exactly(T* to, std::size_t count) {
    const std::size_t found = get_block_head<T>(Code::array);
    if (found != count) fail_count(count, found);
    get_block(to, count);
  }
  void begin() {
    expect(Code::begin);
    if (++depth_ > depth_max) fail_depth();
  }
  void end() {
    --depth_;
    expect(Code::end);
  }

  // Shared pointers. cereal casts what an id names to the type it wants, whatever it is: these take
  // the place of its functions of the same names, and know the type of each object.

  /// The type of the pointers whose ids come next.
  void expect_shared(const std::type_info& type) { shared_type_ = &type; }
  /// Marks the object as complete if it is the innermost that is not.
  void complete_shared(const void* object);
  [[nodiscard]] std::shared_ptr<void> getSharedPointer(std::uint32_t id) const;
  void registerSharedPointer(std::uint32_t id, std::shared_ptr<void> object);

 private:
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
  [[noreturn]] void fail_expected(Code expected) const;
  [[noreturn]] void fail_element(Code kind, Code expected) const;
  [[noreturn]] void fail_count(std::size_t expected, std::size_t found) const;
  [[noreturn]] void fail_cut() const;
  [[noreturn]] void fail_depth() const;

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::size_t claimed_ = 0;  // sum of the sizes read so far
  int depth_ = 0;
  const std::type_info* shared_type_ = nullptr;
  std::vector<Shared> shared_;              // object of id n at n - 1
  std::vector<std::size_t> shared_undone_;  // whose fields are being read, outermost first
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
void epilogue(Decoder& decoder,
              const cereal::memory_detail::PtrWrapper<std::shared_ptr<T>&>& wrapper) {
  decoder.complete_shared(wrapper.ptr.get());
}

template <Scalar T>
void load(Decoder& decoder, T& value) {
  decoder.get(value);
}
template <class T>
requires(std::is_arithmetic_v<T> && !Scalar<T>) void load(Decoder&, T&) {
  static_assert(never<T>,
                "long double and wchar_t differ between machines: receive a double, "
                "char16_t or char32_t");
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
  static_assert(BlockElement<Element>, "only arithmetic data travels as it lies in memory");
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
requires(!nests<T[n]>) void serialize(Decoder& decoder, T (&values)[n]) {
  using Element = std::remove_all_extents_t<T>;
  decoder.get_block_exactly(reinterpret_cast<Element*>(&values), sizeof values / sizeof(Element));
}

/// Grows by what is really there; cereal would resize by what the bytes claim.
template <class Sequence>
void load_elements(Decoder& decoder, Sequence& values) {
  values.clear();
  for (std::uint64_t left = decoder.get_size(); left > 0; --left) {
    decoder(values.emplace_back());
  }
}
template <class T, class A>
requires(!BlockElement<T>) void load(Decoder& decoder, std::vector<T, A>& values) {
  load_elements(decoder, values);
}
template <class T, class A>
void load(Decoder& decoder, std::deque<T, A>& values) {
  load_elements(decoder, values);
}
template <class T, class A>
void load(Decoder& decoder, std::list<T, A>& values) {
  load_elements(decoder, values);
}
/// cereal would give those of equal keys in reverse order.
template <class K, class V, class C, class A>
void load(Decoder& decoder, std::multimap<K, V, C, A>& values) {
  values.clear();
  for (std::uint64_t left = decoder.get_size(); left > 0; --left) {
    K key{};
    V value{};
    decoder(cereal::make_map_item(key, value));
    values.emplace_hint(values.end(), std::move(key), std::move(value));
  }
}

}  // namespace rankwire::archive
