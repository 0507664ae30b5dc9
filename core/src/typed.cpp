#include "rankwire/typed.hpp"

#include <fmt/format.h>

namespace rankwire::archive {

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
