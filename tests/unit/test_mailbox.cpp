#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../support/count_new.hpp"
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

TEST_CASE("mailbox: what a replaced process has sent is told from what its successor sends") {
  Mailbox mailbox{self, 3, true};
  mailbox.push(message(1, 0, "old"));
  mailbox.push(message(1, 1, "older"));
  CHECK(mailbox.queued_bytes(1) == 8 + 2 * Windows::message_overhead_bytes);
  mailbox.depart(departure(1, lost));
  mailbox.arrive({1, "node", 8});
  CHECK(mailbox.queued_bytes(1) == 0);
  mailbox.push(message(1, 0, "new"));
  mailbox.push(message(2, 0, "other"));
  const std::uint64_t new_bytes = 3 + Windows::message_overhead_bytes;
  CHECK(next(mailbox, {.source = 1, .tag = 1}) == "older");
  CHECK(mailbox.gave_of_former());
  CHECK(mailbox.queued_bytes(1) == new_bytes);
  CHECK(next(mailbox, {.source = 2}) == "other");
  CHECK_FALSE(mailbox.gave_of_former());
  CHECK(next(mailbox, {.source = 1}) == "old");
  CHECK(mailbox.gave_of_former());
  CHECK_FALSE(mailbox.gave_of_former());  // was asked already
  CHECK(next(mailbox, {.source = 1}) == "new");
  CHECK_FALSE(mailbox.gave_of_former());
  CHECK(mailbox.queued_bytes(1) == 0);
}

TEST_CASE("mailbox: a message may be given out and its sender replaced before the program has it") {
  Mailbox mailbox{self, 3, true};
  const Wanted wanted{.source = 1};
  std::optional<Event> event;
  CHECK_FALSE(mailbox.take(wanted));
  Mailbox::Waiting waiting{mailbox, wanted, event};
  mailbox.push(message(1, 0, "old"));
  CHECK(waiting.met());
  mailbox.depart(departure(1, lost));
  mailbox.arrive({1, "node", 8});
  CHECK(mailbox.gave_of_former());
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

TEST_CASE("mailbox: agrees with a plain list with many messages, tags and sources") {
  Mailbox mailbox{self, size, false};
  std::vector<std::pair<std::pair<int, int>, std::string>> model;
  std::uint32_t seed = 7;
  const auto random = [&seed](std::uint32_t below) {
    seed = seed * 1664525U + 1013904223U;
    return static_cast<int>((seed >> 8) % below);
  };
  // Grows to some hundreds, and is emptied, again and again: few tags, and many.
  for (const std::uint32_t tags : {2U, 40U, 1000U, 1U, 262'144U}) {
    bool grows = true;
    for (int i = 0; i < 5000; ++i) {
      if (model.empty()) grows = true;
      if (model.size() > 300) grows = false;
      if (random(4) < (grows ? 3 : 1)) {
        const int source = random(size), tag = random(tags);
        model.push_back({{source, tag}, std::to_string(i)});
        mailbox.push(message(source, tag, std::to_string(i)));
        continue;
      }
      Wanted wanted{.source = random(size + 1) - 1, .tag = any_tag, .waits = false};
      if (random(3) > 0) {  // often one that is there
        wanted.tag =
            model.empty() || random(4) == 0
                ? random(tags)
                : model[static_cast<std::size_t>(random(static_cast<std::uint32_t>(model.size())))]
                      .first.second;
      }
      const auto first = std::find_if(model.begin(), model.end(), [&](const auto& entry) {
        return (wanted.source == any_source || wanted.source == entry.first.first) &&
               (wanted.tag == any_tag || wanted.tag == entry.first.second);
      });
      REQUIRE(next(mailbox, wanted) == (first == model.end() ? "nothing" : first->second));
      if (first != model.end()) model.erase(first);
      REQUIRE(mailbox.messages() == model.size());
    }
  }
}

TEST_CASE("mailbox: matching costs the same behind many messages") {
  // What would pass over them costs 200,000 times as much: minutes.
  constexpr int many = 200'000;
  Mailbox mailbox{self, size, false};
  for (int i = 0; i < many; ++i) mailbox.push(message(1 + i % 2, i % 100'000, "other"));
  for (int i = 0; i < many; ++i) {
    mailbox.push(message(3, 200'000, "wanted"));
    CHECK(next(mailbox, {.source = 3, .tag = 5, .waits = false}) == "nothing");
    switch (i % 3) {
      case 0:
        REQUIRE(next(mailbox, {.source = 3, .tag = 200'000}) == "wanted");
        break;
      case 1:
        REQUIRE(next(mailbox, {.tag = 200'000}) == "wanted");
        break;
      default:
        REQUIRE(next(mailbox, {.source = 3}) == "wanted");
    }
  }
  CHECK(mailbox.messages() == many);
}

TEST_CASE("mailbox: tags that came once leave nothing behind") {
  Mailbox mailbox{self, size, false};
  const auto round = [&](int first_tag) {
    for (int i = 0; i < 1000; ++i) mailbox.push(message(1, first_tag + i, "x"));
    for (int i = 0; i < 1000; ++i) REQUIRE(next(mailbox, {.tag = first_tag + i}) == "x");
  };
  round(0);
  const auto before = allocated_so_far().times;
  // Not "times": the table may have to grow to what 1000 tags need at once, and no further.
  for (int i = 1; i < 250; ++i) round(1000 * i);
  CHECK(allocated_so_far().times == before);
}

TEST_CASE("mailbox: a receive that waits gets the first message that it asks for, as it comes") {
  Mailbox mailbox{self, size, false};
  const Wanted wanted{.source = 2, .tag = 5};
  std::optional<Event> event;
  {
    Mailbox::Waiting waiting{mailbox, wanted, event};
    mailbox.push(message(1, 5, "another source"));
    mailbox.push(message(2, 4, "another tag"));
    CHECK_FALSE(waiting.met());
    mailbox.push(message(2, 5, "first"));
    mailbox.push(message(2, 5, "second"));
    CHECK(waiting.met());
  }
  CHECK(std::get<Message>(*event).payload.text() == "first");
  CHECK(mailbox.messages() == 3);
  CHECK(next(mailbox, wanted) == "second");
}

TEST_CASE("mailbox: a receive that waits hears of news, and of what is too large for it") {
  Mailbox mailbox{self, size, false};
  std::optional<Event> event;
  const Wanted anyone{.tag = 5, .bytes_max = 4};
  Mailbox::Waiting waiting{mailbox, anyone, event};
  mailbox.depart(departure(1, left));
  CHECK_FALSE(waiting.met());  // asks for losses only
  mailbox.push(message(2, 5, "five!"));
  mailbox.push(message(2, 5, "four"));
  CHECK_THROWS_AS((void)waiting.met(), UsageError);
  CHECK(next(mailbox, {.tag = 5}) == "five!");
  mailbox.depart(departure(3, lost));
  REQUIRE(waiting.met());
  CHECK(std::get<Message>(*event).payload.text() == "four");
  CHECK(next(mailbox, {.tag = 5}) == "lost 3");
}

TEST_CASE("mailbox: news has its place among the messages, also while they keep coming") {
  Mailbox mailbox{self, size, false};
  for (int i = 0; i < 40; ++i) mailbox.push(message(1, 0, "before"));
  mailbox.depart(departure(2, left));
  mailbox.depart(departure(3, lost));
  int taken = 0;
  while (next(mailbox, all_news) == "before") {
    mailbox.push(message(1, 0, "after"));
    ++taken;
  }
  CHECK(taken == 40);  // and "left 2" was what ended it
  CHECK(next(mailbox) == "lost 3");
  CHECK(next(mailbox) == "after");
}

TEST_CASE("mailbox: unread news of a rank that comes and goes are bounded, and hide no loss") {
  Mailbox mailbox{self, 3, true};
  const auto goes_and_comes = [&](Departure::Kind kind) {
    mailbox.depart(departure(1, kind));
    mailbox.arrive({1, "node", 8});
  };
  for (int i = 0; i < 1000; ++i) goes_and_comes(left);
  CHECK(next(mailbox, all_news) == "left 1");
  CHECK(next(mailbox, all_news) == "arrived 1");
  CHECK(next(mailbox, all_news) == "nothing");
  // One of many was lost: for those who read all, and for those who hear of losses only.
  for (const Wanted& wanted : {Wanted{}, all_news}) {
    for (int at = 0; at < 6; ++at) {
      for (int i = 0; i < 6; ++i) goes_and_comes(i == at ? lost : left);
      CHECK(next(mailbox, wanted) == "lost 1");
      CHECK(next(mailbox, all_news) == "arrived 1");
      CHECK(next(mailbox, all_news) == "nothing");
    }
  }
  // The same for one whose departure was read before.
  for (int at = 0; at < 6; ++at) {
    mailbox.depart(departure(1, left));
    CHECK(next(mailbox, all_news) == "left 1");
    for (int i = 0; i < 6; ++i) {
      mailbox.arrive({1, "node", 8});
      mailbox.depart(departure(1, i == at ? lost : left));
    }
    CHECK(next(mailbox, all_news) == "arrived 1");
    CHECK(next(mailbox, all_news) == "lost 1");
    CHECK(next(mailbox, all_news) == "nothing");
    mailbox.arrive({1, "node", 8});
    CHECK(next(mailbox, all_news) == "arrived 1");
  }
}

TEST_CASE("mailbox: news that nobody reads take no memory") {
  Mailbox mailbox{self, size, true};
  constexpr int cycles = 10'000;
  for (int i = 0; i < cycles; ++i) {
    mailbox.depart(departure(1, left));
    mailbox.arrive({1, "a-host-name-of-normal-length.example.org", 2});
    mailbox.push(message(1, 5, "x"));
    REQUIRE(next(mailbox, {.tag = 5}) == "x");
  }
  // As many as one rank may have unread, and no more.
  int unread = 0;
  while (next(mailbox, all_news) != "nothing") ++unread;
  CHECK(unread <= 3);
}
