#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "mailbox_events.hpp"
#include "text_of.hpp"

// Ranks that leave, are lost, and arrive, as receives hear of them.

using namespace mailbox_test;

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

TEST_CASE("mailbox: a departure that is recorded late is told in its place") {
  Mailbox mailbox{self, size + 1, false};
  const auto late = [&](int rank, Departure::Kind kind, std::uint64_t place) {
    mailbox.depart(std::make_shared<const Departure>(departure(rank, kind)), place);
  };
  mailbox.push(message(1, 0, "first"));
  const auto place = mailbox.arrivals();
  mailbox.push(message(1, 0, "second"));
  mailbox.depart(departure(2, lost));
  mailbox.push(message(1, 0, "third"));
  late(3, lost, place);
  late(4, left, place);
  CHECK(next(mailbox) == "first");
  SUBCASE("to who asks for losses") {
    CHECK(next(mailbox) == "lost 3");
    CHECK(next(mailbox) == "second");
    CHECK(next(mailbox) == "lost 2");
  }
  SUBCASE("to who asks for all news") {
    CHECK(next(mailbox, all_news) == "lost 3");
    CHECK(next(mailbox, all_news) == "left 4");
    CHECK(next(mailbox, all_news) == "second");
    CHECK(next(mailbox, all_news) == "lost 2");
  }
  CHECK(next(mailbox) == "third");
}
