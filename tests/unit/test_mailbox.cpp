#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "rankwire/backend/mailbox.hpp"
#include "text_of.hpp"

using namespace rankwire;

namespace {

constexpr int self = 0;
constexpr int size = 4;

Message message(int source, int tag, std::string_view text) {
  return {source, tag, Buffer::copy_of(text)};
}
Departure departure(int rank, Departure::Kind kind) {
  return {rank, kind, "node", 7, "reason"};
}

/// What comes next, in words: the text of a message, "left 2", "lost 2", "arrived 2" or "nothing".
std::string next(Mailbox& mailbox, const Wanted& wanted = {}) {
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

constexpr Wanted all_news{.all_news = true};
constexpr auto left = Departure::Kind::left;
constexpr auto lost = Departure::Kind::lost;

}  // namespace

TEST_CASE("mailbox: anyone's messages come in the order of arrival") {
  Mailbox mailbox{self, size, false};
  for (const auto* const text : {"a", "b", "c"}) mailbox.push(message(1, 0, text));
  mailbox.push(message(2, 5, "d"));
  mailbox.push(message(0, 0, "self"));
  mailbox.push(message(1, 0, "e"));
  CHECK(mailbox.messages() == 6);
  for (const auto* const text : {"a", "b", "c", "d", "self", "e", "nothing"}) {
    CHECK(next(mailbox) == text);
  }
  CHECK(mailbox.messages() == 0);
}

TEST_CASE("mailbox: source and tag match, each alone and both") {
  Mailbox mailbox{self, size, false};
  mailbox.push(message(1, 1, "1/1"));
  mailbox.push(message(2, 1, "2/1"));
  mailbox.push(message(1, 2, "1/2"));
  mailbox.push(message(2, 2, "2/2"));
  CHECK(next(mailbox, {.source = 3}) == "nothing");
  CHECK(next(mailbox, {.source = 2, .tag = 2}) == "2/2");
  CHECK(next(mailbox, {.tag = 2}) == "1/2");
  CHECK(next(mailbox, {.source = 2}) == "2/1");
  CHECK(next(mailbox, {.source = 1, .tag = 2}) == "nothing");
  CHECK(next(mailbox) == "1/1");
}

TEST_CASE("mailbox: tags passed over stay in order, from the ends and the middle") {
  Mailbox mailbox{self, size, false};
  for (const auto* const text : {"a", "b", "c", "d", "e"}) {
    mailbox.push(message(1, text[0] - 'a', text));
  }
  CHECK(next(mailbox, {.tag = 2}) == "c");
  CHECK(next(mailbox, {.source = 1, .tag = 4}) == "e");
  CHECK(next(mailbox, {.tag = 0}) == "a");
  mailbox.push(message(1, 9, "f"));
  CHECK(next(mailbox, {.source = 1}) == "b");
  CHECK(next(mailbox) == "d");
  CHECK(next(mailbox, {.source = 1}) == "f");
  CHECK(next(mailbox) == "nothing");
}

TEST_CASE("mailbox: a busy source starves nobody") {
  Mailbox mailbox{self, size, false};
  for (int i = 0; i < 100; ++i) mailbox.push(message(1, 0, "busy"));
  mailbox.push(message(2, 0, "quiet"));
  int taken = 0;
  while (next(mailbox) != "quiet") {
    mailbox.push(message(1, 0, "busy"));
    REQUIRE(++taken <= 100);
  }
  CHECK(taken == 100);
}

TEST_CASE("mailbox: agrees with a plain list under many random calls") {
  Mailbox mailbox{self, size, false};
  std::vector<std::pair<std::pair<int, int>, std::string>> model;
  std::uint32_t seed = 1;
  const auto random = [&seed](std::uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return static_cast<int>((seed >> 8) % below);
  };
  for (int i = 0; i < 20'000; ++i) {
    if (random(2) == 0 && model.size() < 50) {
      const int source = random(size), tag = random(3);
      model.push_back({{source, tag}, std::to_string(i)});
      mailbox.push(message(source, tag, std::to_string(i)));
      continue;
    }
    Wanted wanted{.source = random(size + 1) - 1, .tag = random(4) - 1, .waits = false};
    const auto first = std::find_if(model.begin(), model.end(), [&](const auto& entry) {
      return (wanted.source == any_source || wanted.source == entry.first.first) &&
             (wanted.tag == any_tag || wanted.tag == entry.first.second);
    });
    REQUIRE(next(mailbox, wanted) == (first == model.end() ? "nothing" : first->second));
    if (first != model.end()) model.erase(first);
    REQUIRE(mailbox.messages() == model.size());
  }
}

TEST_CASE("mailbox: a message too large for its receiver's memory stays") {
  Mailbox mailbox{self, size, false};
  mailbox.push(message(1, 3, "five!"));
  const auto text = text_of<UsageError>([&] { (void)mailbox.take({.bytes_max = 4}); });
  CHECK_SAYS(text, "5 bytes");
  CHECK_SAYS(text, "rank 1 (tag 3)");
  CHECK(next(mailbox, {.bytes_max = 5}) == "five!");
}

TEST_CASE("mailbox: a lost rank is told to anyone once, to those who ask for it always") {
  Mailbox mailbox{self, size, false};
  mailbox.push(message(1, 0, "before"));
  mailbox.depart(departure(1, lost));
  mailbox.push(message(1, 0, "too late"));
  mailbox.depart(departure(1, left));  // the first report stands
  CHECK(next(mailbox) == "before");
  CHECK(next(mailbox) == "lost 1");
  CHECK(next(mailbox) == "nothing");
  for (int i = 0; i < 3; ++i) CHECK(next(mailbox, {.source = 1}) == "lost 1");
  CHECK(mailbox.departure(1)->kind == lost);
  CHECK(mailbox.departure(2) == nullptr);
  CHECK(mailbox.remaining() == 2);
}

TEST_CASE("mailbox: news waits behind messages that match, not behind others") {
  Mailbox mailbox{self, size, false};
  mailbox.push(message(1, 5, "other tag"));
  mailbox.depart(departure(1, lost));
  CHECK(next(mailbox, {.tag = 4}) == "lost 1");
  CHECK(next(mailbox, {.source = 1, .tag = 4}) == "lost 1");
  CHECK(next(mailbox, {.tag = 5}) == "other tag");
}

TEST_CASE("mailbox: a rank that left is news only for those who ask for all of it") {
  Mailbox mailbox{self, size, false};
  mailbox.depart(departure(1, left));
  mailbox.depart(departure(2, lost));
  CHECK(next(mailbox) == "lost 2");
  CHECK(next(mailbox) == "nothing");
  CHECK(next(mailbox, all_news) == "left 1");
  CHECK(next(mailbox, all_news) == "nothing");
  CHECK(next(mailbox, {.source = 1}) == "left 1");
}

TEST_CASE("mailbox: when nobody remains, a receive from anyone throws, after what has arrived") {
  Mailbox mailbox{self, 3, false};
  mailbox.push(message(1, 0, "last words"));
  mailbox.depart(departure(1, left));
  mailbox.depart(departure(2, left));
  CHECK(next(mailbox) == "last words");
  for (int i = 0; i < 2; ++i) {
    const auto text = text_of<PeerLeft>([&] { (void)mailbox.take({}); });
    CHECK_SAYS(text, "nobody remains");
  }
}

TEST_CASE("mailbox: when nobody remains, losses are told first, and the last one is thrown") {
  Mailbox mailbox{self, 2, false};
  mailbox.depart(departure(1, lost));
  CHECK(next(mailbox) == "lost 1");
  CHECK_THROWS_AS((void)mailbox.take({}), PeerLost);
}

TEST_CASE("mailbox: a wait for oneself is in vain, a poll is not, a message to oneself comes") {
  for (const bool takes_arrivals : {false, true}) {
    Mailbox mailbox{self, size, takes_arrivals};
    CHECK_THROWS_AS((void)mailbox.take({.source = self}), UsageError);
    CHECK(next(mailbox, {.source = self, .waits = false}) == "nothing");
    mailbox.push(message(self, 0, "to myself"));
    CHECK(next(mailbox, {.source = self}) == "to myself");
  }
  Mailbox alone{self, 1, false};
  CHECK_THROWS_AS((void)alone.take({}), UsageError);
  CHECK(next(alone, {.waits = false}) == "nothing");
}

TEST_CASE("mailbox: an arrival takes the place of a departed rank, and of no other") {
  Mailbox mailbox{self, 2, true};
  mailbox.arrive({1, "node", 8});  // nobody has departed
  CHECK(next(mailbox, all_news) == "nothing");
  mailbox.depart(departure(1, lost));
  CHECK(next(mailbox, all_news) == "lost 1");
  CHECK(next(mailbox, all_news) == "nothing");  // somebody may come
  CHECK_THROWS_AS(mailbox.check_send(1), PeerLost);
  mailbox.arrive({1, "node", 8});
  CHECK(mailbox.remaining() == 1);
  CHECK(next(mailbox) == "nothing");  // no news for a plain receive
  CHECK(next(mailbox, all_news) == "arrived 1");
  CHECK_NOTHROW(mailbox.check_send(1));
  mailbox.push(message(1, 0, "from the new one"));
  CHECK(next(mailbox, {.source = 1}) == "from the new one");
}

TEST_CASE("mailbox: news of one rank comes in the order in which it happened") {
  Mailbox mailbox{self, 3, true};
  mailbox.depart(departure(1, lost));
  mailbox.arrive({1, "node", 8});
  mailbox.depart(departure(1, left));
  CHECK(next(mailbox, all_news) == "lost 1");
  CHECK(next(mailbox, all_news) == "arrived 1");
  CHECK(next(mailbox, all_news) == "left 1");
}

TEST_CASE("mailbox: a send to a departed rank says who, where and why") {
  Mailbox mailbox{self, size, false};
  CHECK_NOTHROW(mailbox.check_send(1));
  mailbox.depart(departure(1, left));
  const auto text = text_of<PeerLeft>([&] { mailbox.check_send(1); });
  CHECK_SAYS(text, "rank 1 (node, pid 7)");
  CHECK_SAYS(text, "reason");
}
