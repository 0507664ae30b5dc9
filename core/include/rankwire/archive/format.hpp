#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cereal/cereal.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <valarray>
#include <vector>

// The alphabet of typed payloads: the codes, which type has which, and the byte order. The grammar
// is in archive.hpp.

namespace cereal::memory_detail {
template <class T>
struct PtrWrapper;
}

namespace rankwire::archive {

/// The first byte of every typed payload: 0xF8 + version. No UTF-8 text begins with it.
inline constexpr std::byte version_byte{0xF9};

/// Classes may be nested this deep, pointers included. Both sides refuse more.
inline constexpr int depth_max = 256;

/// At most this many bytes fill up a payload whose sizes claim more elements than it has bytes
/// (archive.hpp).
inline constexpr std::uint64_t fill_bytes_max = std::uint64_t{1} << 20;

enum class Code : std::uint8_t {
  boolean = 0x10,
  character = 0x11,
  u8 = 0x20,
  u16 = 0x21,
  u32 = 0x22,
  u64 = 0x23,
  i8 = 0x30,
  i16 = 0x31,
  i32 = 0x32,
  i64 = 0x33,
  f32 = 0x40,
  f64 = 0x41,
  array = 0x50,
  string = 0x51,
  size = 0x60,
  label = 0x61,
  set_size = 0x62,
  multiset_size = 0x63,
  map_size = 0x64,
  multimap_size = 0x65,
  fill = 0x6f,
  begin = 0x70,
  end = 0x71
};

/// The name of a code: "f64", "string", ... Empty for a byte that is no code.
[[nodiscard]] std::string_view name_of(Code code);

/// A type that travels as one code and its bytes. wchar_t and long double are excluded: they differ
/// between machines.
template <class T>
concept Scalar = std::is_arithmetic_v<T> && sizeof(T) <= 8 && !std::same_as<T, long double> &&
                 !std::same_as<T, wchar_t> && std::same_as<T, std::remove_cv_t<T>>;

/// A type of which a contiguous range travels as one block.
template <class T>
concept BlockElement = Scalar<T> || std::same_as<T, std::byte>;

template <BlockElement T>
[[nodiscard]] constexpr Code code_of() {
  static_assert(sizeof(T) <= 8 && std::has_single_bit(sizeof(T)));
  constexpr int width = std::countr_zero(sizeof(T));
  if constexpr (std::same_as<T, bool>) {
    static_assert(sizeof(bool) == 1);
    return Code::boolean;
  } else if constexpr (std::same_as<T, char>) {
    return Code::character;  // its sign differs between machines
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(std::numeric_limits<T>::is_iec559);
    return sizeof(T) == 4 ? Code::f32 : Code::f64;
  } else {
    const Code narrowest = std::is_signed_v<T> ? Code::i8 : Code::u8;
    return static_cast<Code>(static_cast<int>(narrowest) + width);
  }
}

/// Describes a type beyond its fields: "duration in 1/1000 s". At most 255 bytes of ASCII. Built at
/// compile time.
class Label {
 public:
  constexpr Label& operator<<(std::string_view text) {
    for (const char c : text) {
      if (size_ < text_.size()) text_[size_++] = c;
    }
    return *this;
  }
  constexpr Label& operator<<(std::uintmax_t number) {
    if (number >= 10) *this << number / 10;
    const char digit = static_cast<char>('0' + number % 10);
    return *this << std::string_view{&digit, 1};
  }
  [[nodiscard]] constexpr std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 255> text_{};
  std::size_t size_ = 0;
};

/// Copies `count` elements of `width` bytes each, and reverses the bytes of each.
void copy_reversed(std::byte* to, const std::byte* from, std::size_t count, std::size_t width);

/// Copies `count` elements of `width` bytes each between this host's byte order and little-endian,
/// in either direction.
inline void copy_little_endian(std::byte* to, const std::byte* from, std::size_t count,
                               std::size_t width) {
  if constexpr (std::endian::native == std::endian::little) {
    if (count > 0) std::memcpy(to, from, count * width);
  } else {
    copy_reversed(to, from, count, width);
  }
}

/// Whether a T is enclosed in begin and end. Classes are, except those that travel as a block and
/// cereal's wrappers around values.
template <class T>
inline constexpr bool nests = std::is_class_v<T> || std::is_union_v<T>;
template <class T>
inline constexpr bool nests<cereal::NameValuePair<T>> = false;
template <class T>
inline constexpr bool nests<cereal::SizeTag<T>> = false;
template <class T>
inline constexpr bool nests<cereal::BinaryData<T>> = false;
template <class T>
inline constexpr bool nests<cereal::memory_detail::PtrWrapper<T>> = false;
template <class C, class R, class A>
inline constexpr bool nests<std::basic_string<C, R, A>> = false;
template <class C, class R>
inline constexpr bool nests<std::basic_string_view<C, R>> = false;
template <class T, class A>
inline constexpr bool nests<std::vector<T, A>> = !BlockElement<T> || std::same_as<T, bool>;
template <class T>
inline constexpr bool nests<std::valarray<T>> = !Scalar<T>;
template <class T, std::size_t n>
inline constexpr bool nests<std::array<T, n>> = !BlockElement<T>;
template <class T, std::size_t n>
inline constexpr bool nests<std::span<T, n>> = !BlockElement<std::remove_cv_t<T>>;
template <class T, std::size_t n>
inline constexpr bool nests<T[n]> = !BlockElement<T>;

/// The element type of the pointer or array in a cereal::BinaryData. A void* points to bytes.
template <class Data>
using data_of = std::remove_cv_t<
    std::remove_all_extents_t<std::remove_pointer_t<std::remove_reference_t<Data>>>>;
template <class Data>
using element_of = std::conditional_t<std::is_void_v<data_of<Data>>, std::byte, data_of<Data>>;

/// Why a cereal::binary_data is refused: its size in bytes is no multiple of its element's.
[[nodiscard]] std::string binary_data_refusal(std::uint64_t bytes, std::size_t element_bytes);

/// Computes how long a payload must be for the sizes in it. A size claims that many elements behind
/// it, of at least one byte each. No byte belongs to two elements that are counted.
class Claims {
 public:
  /// Adds a size that ends before the byte `at`.
  void add(std::uint64_t size, std::size_t at) {
    sum_ = sum_ + size < sum_ ? UINT64_MAX : sum_ + size;
    const std::uint64_t here = at + size < size ? UINT64_MAX : at + size;
    bytes_ = std::max({bytes_, sum_, here});
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t sum_ = 0, bytes_ = 0;
};

/// The shared objects whose fields are being written or read now. A shared pointer to one of them
/// would close a cycle that nothing frees; a weak pointer does not.
class SharedPath {
 public:
  bool weak = false;  ///< the pointer that comes next is a weak one

  /// The announced pointer leads to a new object, whose fields come now.
  void enter(std::uint32_t id) {
    weak = false;
    inside_.push_back(id);
  }
  /// The announced pointer names a known object, or none (0). Returns false if that makes a cycle.
  [[nodiscard]] bool name(std::uint32_t id) {
    named_ = true;
    return std::exchange(weak, false) ||
           std::find(inside_.begin(), inside_.end(), id) == inside_.end();
  }
  /// The pointer ends.
  void complete() {
    if (!std::exchange(named_, false)) inside_.pop_back();
  }

 private:
  std::vector<std::uint32_t> inside_;  // outermost first; at most depth_max
  bool named_ = false;
};

/// False, but only once a template is instantiated: for static_assert.
template <class>
inline constexpr bool never = false;

}  // namespace rankwire::archive
