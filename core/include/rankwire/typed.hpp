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
// and a default constructor. Arithmetic vectors, arrays and strings travel as they lie in memory.
// The format, and what a hostile message can do (little), is told in archive.hpp.

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
  static_assert(!std::is_pointer_v<T>,
                "a pointer means nothing to another process: send what it points to");
}

template <class T>
constexpr void check_receivable() {
  static_assert(!is_raw_bytes<T>, "plain bytes need no decoding: use channel.recv(source, tag)");
  static_assert(std::is_same_v<T, std::remove_cvref_t<T>> && !std::is_array_v<T>,
                "ask for a value, not for a reference, a const or a C array");
  static_assert(!std::is_pointer_v<T>, "a pointer means nothing to another process");
  static_assert(std::is_default_constructible_v<T>,
                "decoding fills a T that is there already: give it a default constructor");
}

[[noreturn]] void fail_decode(const Message& message, const std::exception& error);
[[noreturn]] void fail_timeout(int rank, int source, int tag);

}  // namespace archive

/// The bytes that send() would send. Costs no allocation where the result fits
/// Buffer::inline_bytes, one for a small class or a single vector, more as the result grows.
/// Throws UsageError for classes nested too deep and what else cereal cannot encode.
template <class T>
[[nodiscard]] Buffer encode(const T& value) {
  archive::check_sendable<T>();
  archive::Encoder encoder;
  try {
    encoder(value);
  } catch (const cereal::Exception& error) {
    throw UsageError{std::string{"cannot encode: "} + error.what()};
  }
  return encoder.take();
}

/// The value that `bytes` are the encoding of. Throws DecodeError, which says what was expected at
/// which byte and what was found; an exception of a class's own load function becomes one too.
/// Allocates what the value needs, and never more than the bytes could justify (see archive.hpp).
template <class T>
[[nodiscard]] T decode(std::span<const std::byte> bytes) {
  archive::check_receivable<T>();
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

/// As above; the DecodeError also names the message's source and tag.
template <class T>
[[nodiscard]] T decode(const Message& message) {
  try {
    return decode<T>(message.payload.bytes());
  } catch (const DecodeError& error) {
    archive::fail_decode(message, error);
  }
}

/// Sends `value`, encoded. Throws what encode and Channel::send throw.
template <class T>
void send(Channel& channel, int dest, int tag, const T& value,
          Deadline deadline = Deadline::never()) {
  channel.send(dest, tag, encode(value), deadline);
}

/// The next message of `source` with `tag`, decoded; nothing at the deadline. Throws what
/// Channel::recv throws, and DecodeError, after which the message is gone. To learn who sent it:
/// Channel::recv and decode<T>(message).
template <class T>
[[nodiscard]] std::optional<T> try_recv(Channel& channel, int source, int tag, Deadline deadline) {
  const auto message = channel.recv(source, tag, deadline);
  if (!message) return std::nullopt;
  return decode<T>(*message);
}

/// As try_recv, but throws Timeout at the deadline.
template <class T>
[[nodiscard]] T recv(Channel& channel, int source, int tag, Deadline deadline = Deadline::never()) {
  const auto message = channel.recv(source, tag, deadline);
  if (!message) archive::fail_timeout(channel.rank(), source, tag);
  return decode<T>(*message);
}

}  // namespace rankwire
