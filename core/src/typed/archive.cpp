#include "rankwire/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

#include "rankwire/errors.hpp"

namespace rankwire::archive {

std::string_view name_of(Code code) {  // NOLINT(readability-function-size): a line each
  switch (code) {
    case Code::boolean:
      return "bool";
    case Code::character:
      return "char";
    case Code::u8:
      return "u8";
    case Code::u16:
      return "u16";
    case Code::u32:
      return "u32";
    case Code::u64:
      return "u64";
    case Code::i8:
      return "i8";
    case Code::i16:
      return "i16";
    case Code::i32:
      return "i32";
    case Code::i64:
      return "i64";
    case Code::f32:
      return "f32";
    case Code::f64:
      return "f64";
    case Code::array:
      return "array";
    case Code::string:
      return "string";
    case Code::size:
      return "size";
    case Code::label:
      return "label";
    case Code::set_size:
      return "size of a set";
    case Code::multiset_size:
      return "size of a multiset";
    case Code::map_size:
      return "size of a map";
    case Code::multimap_size:
      return "size of a multimap";
    case Code::fill:
      return "filling";
    case Code::begin:
      return "begin of a class";
    case Code::end:
      return "end of a class";
  }
  return {};  // the Code may be a cast of any byte
}

void copy_reversed(std::byte* to, const std::byte* from, std::size_t count, std::size_t width) {
  for (std::size_t i = 0; i < count; ++i) {
    std::reverse_copy(from + i * width, from + (i + 1) * width, to + i * width);
  }
}

std::string binary_data_refusal(std::uint64_t bytes, std::size_t element_bytes) {
  return fmt::format(
      "cereal::binary_data of {} bytes through a pointer to elements of {} bytes, of which that is "
      "no multiple; give it a pointer to std::byte or char, or a whole number of elements",
      bytes, element_bytes);
}

Encoder::Encoder() : OutputArchive{this} {
  *extend(1) = version_byte;
}

Encoder::~Encoder() {
  if (data_ != inline_.data()) std::free(data_);
}

Buffer Encoder::take() {
  if (claims_.bytes() > size_) [[unlikely]]
    fill_up();
  if (data_ == inline_.data()) return Buffer::copy_of(std::span{data_, size_});
  std::byte* const block = std::exchange(data_, inline_.data());
  return Buffer::adopt(
      block, size_, [](void* context) noexcept { std::free(context); }, block);
}

void Encoder::grow(std::size_t bytes) {
  // Room behind a large block for the codes that close the classes around it, so that they need no
  // second allocation.
  constexpr std::size_t first = 512;
  constexpr std::size_t room_behind = 64;
  const std::size_t wanted = std::max({first, capacity_ * 2, size_ + bytes + room_behind});
  const bool was_inline = data_ == inline_.data();
  void* const block = std::realloc(was_inline ? nullptr : data_, wanted);
  if (block == nullptr) throw std::bad_alloc{};
  if (was_inline) std::memcpy(block, data_, size_);
  data_ = static_cast<std::byte*>(block);
  capacity_ = wanted;
}

void Encoder::fill_up() {
  const std::uint64_t missing = claims_.bytes() - size_;
  if (missing > fill_bytes_max) {
    throw cereal::Exception{fmt::format(
        "cereal::make_size_tag was given a size, {} or a part of it, of elements that are not "
        "there; a number that counts no elements of this message is written as a number, "
        "archive(rows, columns)",
        claims_.bytes())};
  }
  std::byte* const to = extend(missing);
  std::fill_n(to, missing, static_cast<std::byte>(Code::fill));
}

std::uint32_t Encoder::registerSharedPointer(const std::shared_ptr<const void>& object) {
  std::uint32_t id = 0;
  if (object != nullptr) {
    const auto next = static_cast<std::uint32_t>(shared_ids_.size() + 1);
    const auto [known, is_new] = shared_ids_.try_emplace({object.get(), *shared_type_}, next);
    id = known->second;
    if (is_new) {
      if (id == cereal::detail::msb_32bit) throw cereal::Exception{"too many shared objects"};
      shared_kept_.push_back(object);
      shared_.enter(id);
      return id | cereal::detail::msb_32bit;
    }
  }
  if (!shared_.name(id)) {
    throw cereal::Exception{
        "a std::shared_ptr in it leads back to an object that it is in: the receiver could never "
        "free that; make the way back a std::weak_ptr, and send the outermost object by "
        "std::shared_ptr"};
  }
  return id;
}

void Encoder::fail_depth() {
  throw cereal::Exception{
      fmt::format("classes nested more than {} deep; send long chains as a container", depth_max)};
}

namespace {

/// Describes the code at `at`.
std::string code_found(std::span<const std::byte> bytes, std::size_t at) {
  if (at >= bytes.size()) return "the end of the message";
  const auto name = name_of(static_cast<Code>(bytes[at]));
  if (name.empty()) return fmt::format("0x{:02x}", std::to_integer<int>(bytes[at]));
  return std::string{name};
}

/// Describes the label whose size stands at `at`. Replaces what is not printable, and cuts what is
/// long.
std::string label_found(std::span<const std::byte> bytes, std::size_t at) {
  constexpr std::size_t most = 80;
  if (at >= bytes.size()) return "a label without an end";
  const auto rest = bytes.subspan(at + 1);
  const std::size_t size = std::to_integer<std::size_t>(bytes[at]);
  std::string text = "a ";
  for (const std::byte byte : rest.first(std::min({size, rest.size(), most}))) {
    const char c = static_cast<char>(byte);
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

/// Describes the value that begins at `at`. Of an array's elements it names only the code, even if
/// that is an array again: otherwise bytes that are all arrays would make a text and a recursion as
/// long as they are.
std::string found(std::span<const std::byte> bytes, std::size_t at) {
  auto name = code_found(bytes, at);
  if (name == name_of(Code::label)) return label_found(bytes, at + 1);
  if (name != name_of(Code::array)) return name;
  return name + " of " + code_found(bytes, at + 1);
}

}  // namespace

Decoder::Decoder(std::span<const std::byte> bytes) : InputArchive{this}, bytes_{bytes} {
  if (bytes.empty()) fail("expected a typed payload, found no bytes at all");
  if (bytes[0] != version_byte) {
    fail(
        fmt::format("expected a typed payload, which begins with 0x{:02x}, found 0x{:02x} (raw "
                    "bytes, or another version)",
                    std::to_integer<int>(version_byte), std::to_integer<int>(bytes[0])));
  }
  at_ = 1;
}

void Decoder::finish() const {
  const auto rest = bytes_.subspan(at_);
  const bool filled =
      bytes_.size() == claims_.bytes() && std::all_of(rest.begin(), rest.end(), [](std::byte byte) {
        return byte == static_cast<std::byte>(Code::fill);
      });
  if (left() > 0 && !filled) fail_rest(0);
}

void Decoder::fail(std::string_view what) const {
  throw DecodeError{fmt::format("at byte {} of {}: {}; sender and receiver must name the same type",
                                at_, bytes_.size(), what)};
}

std::uint64_t Decoder::get_count() {
  std::uint64_t count = 0;
  if (sizeof count > left()) fail_cut();
  copy(&count, 1);
  return count;
}

std::uint64_t Decoder::get_size(Code kind) {
  expect(kind);
  const std::uint64_t size = get_count();
  claims_.add(size, at_);
  if (claims_.bytes() > bytes_.size()) {
    fail(fmt::format("{} elements are claimed, more than the bytes can hold", size));
  }
  return size;
}

void Decoder::expect_label(std::string_view label) {
  const auto same = [&] {
    if (left() < 2 + label.size() || bytes_[at_] != static_cast<std::byte>(Code::label)) {
      return false;
    }
    return std::to_integer<std::size_t>(bytes_[at_ + 1]) == label.size() &&
           std::memcmp(bytes_.data() + at_ + 2, label.data(), label.size()) == 0;
  };
  if (!same()) fail(fmt::format("expected a {}, found {}", label, found(bytes_, at_)));
  at_ += 2 + label.size();
}

std::size_t Decoder::get_block_head(Code kind, Code element, std::size_t width) {
  expect(kind);
  if (left() == 0 || bytes_[at_] != static_cast<std::byte>(element)) fail_element(kind, element);
  ++at_;
  const std::uint64_t count = get_count();
  if (count > left() / width) {
    fail(fmt::format("{} elements of {} are claimed, more than the {} bytes left can hold", count,
                     name_of(element), left()));
  }
  return static_cast<std::size_t>(count);
}

void Decoder::check_bools(std::size_t count) const {
  const auto bytes = bytes_.subspan(at_, count);
  const auto bad = std::find_if(bytes.begin(), bytes.end(),
                                [](std::byte value) { return value > std::byte{1}; });
  if (bad != bytes.end()) {
    fail(fmt::format("expected a bool of 0 or 1, found {}", std::to_integer<int>(*bad)));
  }
}

void Decoder::check_mark(std::size_t at) const {
  if (bytes_[at] > std::byte{1}) {
    fail(fmt::format("expected 0 for an empty std::unique_ptr, or 1, found {}",
                     std::to_integer<int>(bytes_[at])));
  }
}

void Decoder::fail_expected(Code expected) const {
  fail(fmt::format("expected {}, found {}", name_of(expected), found(bytes_, at_)));
}

void Decoder::fail_element(Code kind, Code expected) const {
  fail(fmt::format("expected {0} of {1}, found {0} of {2}", name_of(kind), name_of(expected),
                   found(bytes_, at_)));
}

void Decoder::fail_count(std::size_t expected, std::size_t count) const {
  fail(fmt::format("expected an array of {} elements, found one of {}", expected, count));
}

void Decoder::fail_cut() const {
  fail(fmt::format("expected a whole value, found the end of the message {} bytes on", left()));
}

void Decoder::fail_rest(std::size_t bytes) const {
  fail(fmt::format("expected the end of the message, found {} more bytes", left() - bytes));
}

void Decoder::fail_depth() const {
  fail(fmt::format("classes nested more than {} deep", depth_max));
}

std::shared_ptr<void> Decoder::getSharedPointer(std::uint32_t id) {
  if (id > shared_.size()) fail(fmt::format("shared object {} is named, but was never sent", id));
  if (!path_.name(id)) {
    fail(fmt::format("shared object {} is named within itself; cycles cannot be sent", id));
  }
  if (id == 0) return nullptr;
  const Shared& known = shared_[id - 1];
  if (*known.type != *shared_type_) {
    fail(fmt::format("shared object {} is named as one of another type", id));
  }
  return known.object;
}

void Decoder::registerSharedPointer(std::uint32_t id, std::shared_ptr<void> object) {
  const std::uint32_t number = id & ~cereal::detail::msb_32bit;
  if (number != shared_.size() + 1) {
    fail(fmt::format("shared object {} comes where {} is due", number, shared_.size() + 1));
  }
  path_.enter(number);
  shared_.push_back({shared_type_, std::move(object)});
}

}  // namespace rankwire::archive
