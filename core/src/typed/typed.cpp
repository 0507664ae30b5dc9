#include "rankwire/typed.hpp"

#include <fmt/format.h>

namespace rankwire::archive {

Buffer block_without_elements(Code kind, Code element, std::size_t count,
                              std::size_t element_bytes) {
  Buffer payload{block_head_bytes + count * element_bytes};
  payload.data()[0] = version_byte;
  payload.data()[1] = static_cast<std::byte>(kind);
  payload.data()[2] = static_cast<std::byte>(element);
  const std::uint64_t number = count;
  copy_little_endian(payload.data() + 3, reinterpret_cast<const std::byte*>(&number), 1,
                     sizeof number);
  return payload;
}

std::string too_many_elements(std::size_t count, Code element, std::size_t room) {
  return fmt::format(
      "is an array of {} elements of {}, the memory to receive it into has room for {}", count,
      name_of(element), room);
}

void fail_encode(const std::type_info& type, const std::exception& error) {
  throw UsageError{
      fmt::format("cannot send a {}: {}", cereal::util::demangle(type.name()), error.what())};
}

void fail_decode(const Message& message, const std::exception& error) {
  throw DecodeError{fmt::format("cannot decode the message of rank {} (tag {}, {} bytes): {}",
                                message.source, message.tag, message.payload.size(), error.what())};
}

void fail_timeout(int rank, int source, int tag) {
  throw Timeout{fmt::format(
      "rank {}: no message from {} ({}) before the deadline; wait longer, or look at {}", rank,
      source == any_source ? std::string{"anyone"} : fmt::format("rank {}", source),
      tag == any_tag ? std::string{"any tag"} : fmt::format("tag {}", tag),
      source == any_source ? "the other ranks" : "that rank")};
}

}  // namespace rankwire::archive
