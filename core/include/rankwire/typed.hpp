#pragma once

#include <exception>
#include <new>
#include <optional>
#include <span>
#include <type_traits>

#include "rankwire/archive.hpp"
#include "rankwire/channel.hpp"

// Values instead of bytes: what cereal can serialize can be sent. A class needs
//
//   template <class Archive>
//   void serialize(Archive& archive) { archive(first, second); }
//
// and a default constructor. The README lists the standard's types; none needs a further header.
// archive.hpp describes the format, and what a hostile message can do (little).
//
// Arrays of numbers (std::vector, std::span, std::array, C arrays) and strings travel as they lie
// in memory, behind a head of 11 bytes that says their type and length. No element is looked at.
// Sending one costs one allocation and one copy; the transport then owns a Buffer (clause 2).
// Receiving one costs an allocation and a copy as a std::vector, and one copy by recv_into.
// Elements may be integers of up to 64 bits, float, double, bool, char, char8_t, char16_t, char32_t
// and std::byte.

namespace rankwire {

namespace archive {

template <class T>
inline constexpr bool is_raw_bytes = std::is_same_v<T, Buffer> || std::is_same_v<T, Message>;
template <std::size_t n>
inline constexpr bool is_raw_bytes<std::span<const std::byte, n>> = true;
template <std::size_t n>
inline constexpr bool is_raw_bytes<std::span<std::byte, n>> = true;

template <class T>
constexpr void check_sendable() {
  static_assert(!is_raw_bytes<T>,
                "plain bytes need no encoding: use channel.send(dest, tag, bytes)");
  static_assert(!std::is_same_v<std::remove_extent_t<T>, char> || !std::is_array_v<T>,
                "send text as std::string or std::string_view; the receiver asks for std::string");
}

/// False if a T cannot be received. A static_assert has then said why, and callers compile nothing
/// more, so that the compiler says no more.
template <class T>
[[nodiscard]] constexpr bool check_receivable() {
  static_assert(!is_raw_bytes<T>, "plain bytes need no decoding: use channel.recv(source, tag)");
  static_assert(std::is_same_v<T, std::remove_cvref_t<T>> && !std::is_array_v<T>,
                "ask for a value, not for a reference, a const or a C array");
  if constexpr (check_receivable_part<T&, Decoder>()) {
    static_assert(std::is_default_constructible_v<T>,
                  "decoding fills a T that is there already: give it a default constructor");
    static_assert(can_move<T>,
                  "a T is given to the caller: make it movable, or receive a std::unique_ptr<T>");
    return std::is_default_constructible_v<T> && can_move<T>;
  } else {
    return false;
  }
}

/// Bytes that stand before the elements in a payload that is one block.
inline constexpr std::size_t block_head_bytes = 3 + sizeof(std::uint64_t);

/// The payload of one block with room for its elements, which the caller writes.
[[nodiscard]] Buffer block_without_elements(Code kind, Code element, std::size_t count,
                                            std::size_t element_bytes);

template <Code kind, BlockElement T>
[[nodiscard]] Buffer encode_block(const T* data, std::size_t count) {
  Buffer payload = block_without_elements(kind, code_of<T>(), count, sizeof(T));
  copy_little_endian(payload.data() + block_head_bytes, reinterpret_cast<const std::byte*>(data),
                     count, sizeof(T));
  return payload;
}

template <class T>
inline constexpr bool is_text = false;
template <class C, class R, class A>
inline constexpr bool is_text<std::basic_string<C, R, A>> = true;
template <class C, class R>
inline constexpr bool is_text<std::basic_string_view<C, R>> = true;

/// Whether a T is sent as one block: a class with data() and size() of plain elements.
template <class T>
inline constexpr bool is_block = std::is_class_v<T> && !nests<T> && requires(const T& value) {
  requires BlockElement<std::remove_cvref_t<decltype(*value.data())>>;
  value.size();
};

/// Takes a payload only if it is one array of T with at most `room` elements.
template <BlockElement T>
class ArrayCheck final : public PayloadCheck {
 public:
  explicit ArrayCheck(std::size_t room) : room_{room} {}

  [[nodiscard]] std::string wrong_with(std::span<const std::byte> payload) const override;

 private:
  std::size_t room_;
};

[[nodiscard]] std::string too_many_elements(std::size_t count, Code element, std::size_t room);

template <BlockElement T>
std::string ArrayCheck<T>::wrong_with(std::span<const std::byte> payload) const {
  try {
    const std::size_t count = Decoder{payload}.get_only_block_head<T>(Code::array);
    return count <= room_ ? std::string{} : too_many_elements(count, code_of<T>(), room_);
  } catch (const DecodeError& error) {
    return std::string{"is another one: "} + error.what();
  }
}

[[noreturn]] void fail_encode(const std::type_info& type, const std::exception& error);
[[noreturn]] void fail_decode(const Message& message, const std::exception& error);
[[noreturn]] void fail_timeout(int rank, int source, int tag);

}  // namespace archive

/// The bytes that send() would send. Costs no allocation if they fit Buffer::inline_bytes, one for
/// a small class or a single vector, and more as the result grows. Throws UsageError for what a
/// receiver could not decode: classes nested too deep, cycles of shared pointers, sizes without
/// elements (archive.hpp).
template <class T>
[[nodiscard]] Buffer encode(const T& value) {
  archive::check_sendable<T>();
  if constexpr (archive::is_block<T>) {
    constexpr auto kind = archive::is_text<T> ? archive::Code::string : archive::Code::array;
    return archive::encode_block<kind>(value.data(), value.size());
  } else {
    archive::Encoder encoder;
    try {
      encoder(value);
      return encoder.take();
    } catch (const cereal::Exception& error) {
      archive::fail_encode(typeid(T), error);
    }
  }
}

/// Decodes the value that was encoded as `bytes`. Throws DecodeError, which says what was expected
/// at which byte and what was found there. An exception from a class's own load function becomes a
/// DecodeError as well. Allocates what the value needs, and never more than the bytes justify
/// (archive.hpp).
template <class T>
[[nodiscard]] T decode(std::span<const std::byte> bytes) {
  if constexpr (archive::check_receivable<T>()) {
    archive::Decoder decoder{bytes};
    T value{};
    try {
      decoder(value);
      decoder.finish();
    } catch (const Error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      decoder.fail(error.what());
    }
    return value;
  }
}

/// As above. The DecodeError also names the source and tag of the message.
template <class T>
[[nodiscard]] T decode(const Message& message) {
  try {
    return decode<T>(message.payload.bytes());
  } catch (const DecodeError& error) {
    archive::fail_decode(message, error);
  }
}

/// Encodes and sends `value`. Throws what encode and Channel::send throw.
template <class T>
void send(Channel& channel, int dest, int tag, const T& value,
          Deadline deadline = Deadline::never()) {
  channel.send(dest, tag, encode(value), deadline);
}

/// A decoded value, and the source and tag of its message.
template <class T>
struct Received {
  int source = 0;
  int tag = 0;
  T value{};
};

/// Like recv_from, but returns nothing at the deadline.
template <class T>
[[nodiscard]] std::optional<Received<T>> try_recv_from(Channel& channel, int source, int tag,
                                                       Deadline deadline) {
  if constexpr (archive::check_receivable<T>()) {
    const auto message = channel.recv(source, tag, deadline);
    if (!message) return std::nullopt;
    return Received<T>{message->source, message->tag, decode<T>(*message)};
  }
}

/// Receives the next message of `source` with `tag` and decodes it. Returns the value with the
/// message's source and tag: `auto [source, tag, value] = recv_from<double>(world, any_source,
/// any_tag);`. Throws Timeout at the deadline, what Channel::recv throws, and DecodeError; after a
/// DecodeError the message is gone.
template <class T>
[[nodiscard]] Received<T> recv_from(Channel& channel, int source, int tag,
                                    Deadline deadline = Deadline::never()) {
  if constexpr (archive::check_receivable<T>()) {
    auto received = try_recv_from<T>(channel, source, tag, deadline);
    if (!received) archive::fail_timeout(channel.rank(), source, tag);
    return std::move(*received);
  }
}

/// Like recv, but returns nothing at the deadline.
template <class T>
[[nodiscard]] std::optional<T> try_recv(Channel& channel, int source, int tag, Deadline deadline) {
  if constexpr (archive::check_receivable<T>()) {
    auto received = try_recv_from<T>(channel, source, tag, deadline);
    if (!received) return std::nullopt;
    return std::move(received->value);
  }
}

/// Like recv_from, but returns the value alone.
template <class T>
[[nodiscard]] T recv(Channel& channel, int source, int tag, Deadline deadline = Deadline::never()) {
  if constexpr (archive::check_receivable<T>()) {
    return std::move(recv_from<T>(channel, source, tag, deadline).value);
  }
}

/// An array that was received into the caller's own memory.
struct Filled {
  int source = 0;
  int tag = 0;
  std::size_t count = 0;
};

/// Like recv_into, but returns nothing at the deadline.
template <archive::BlockElement T>
[[nodiscard]] std::optional<Filled> try_recv_into(Channel& channel, int source, int tag,
                                                  std::span<T> memory, Deadline deadline) {
  const auto message =
      channel.recv_checked(source, tag, archive::ArrayCheck<T>{memory.size()}, deadline);
  if (!message) return std::nullopt;
  archive::Decoder decoder{message->payload.bytes()};
  const std::size_t count = decoder.get_block_head<T>(archive::Code::array);
  decoder.get_block(memory.data(), count);
  return Filled{message->source, message->tag, count};
}

/// Receives an array of T into the beginning of `memory`. The sender may have sent a std::vector,
/// std::span, std::array or C array. Costs one copy. Throws Timeout at the deadline. Throws
/// UsageError if the message is not such an array, or has more elements than `memory`; it then
/// stays to be received (clause 2).
template <archive::BlockElement T>
Filled recv_into(Channel& channel, int source, int tag, std::span<T> memory,
                 Deadline deadline = Deadline::never()) {
  const auto filled = try_recv_into(channel, source, tag, memory, deadline);
  if (!filled) archive::fail_timeout(channel.rank(), source, tag);
  return *filled;
}
/// Receives into the elements that the container has. It does not grow.
template <class Container>
requires(archive::is_block<Container> && !archive::is_text<Container>) Filled
    recv_into(Channel& channel, int source, int tag, Container& memory,
              Deadline deadline = Deadline::never()) {
  return recv_into(channel, source, tag,
                   std::span<std::remove_reference_t<decltype(*memory.data())>>{memory}, deadline);
}

}  // namespace rankwire
