#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "rankwire/backend/mailbox.hpp"

// What goes into the mailboxes of the tests, and what comes out of them.

namespace mailbox_test {

using namespace rankwire;

inline constexpr int self = 0;
inline constexpr int size = 4;

inline Message message(int source, int tag, std::string_view text) {
  return {source, tag, Buffer::copy_of(text)};
}
inline Departure departure(int rank, Departure::Kind kind) {
  return {rank, kind, "node", 7, "reason"};
}

/// What comes next, in words: the text of a message, "left 2", "lost 2", "arrived 2" or "nothing".
inline std::string next(Mailbox& mailbox, const Wanted& wanted = {}) {
  const auto event = mailbox.take(wanted);
  if (!event) return "nothing";
  if (const auto* const found = std::get_if<Message>(&*event)) {
    return std::string{found->payload.text()};
  }
  if (const auto* const arrival = std::get_if<Arrival>(&*event)) {
    return "arrived " + std::to_string(arrival->rank);
  }
  const auto& gone = std::get<Departure>(*event);
  return (gone.kind == Departure::Kind::left ? "left " : "lost ") + std::to_string(gone.rank);
}

inline constexpr Wanted all_news{.all_news = true};
inline constexpr auto left = Departure::Kind::left;
inline constexpr auto lost = Departure::Kind::lost;

}  // namespace mailbox_test
