#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../support/count_new.hpp"
#include "mailbox_events.hpp"
#include "text_of.hpp"

// Which message a receive gets. What else it hears of: test_mailbox_news.cpp.

using namespace mailbox_test;

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
