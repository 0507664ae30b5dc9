#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>
#include <vector>

#include "rankwire/backend/budget.hpp"
#include "rankwire/backend/control_groups.hpp"
#include "rankwire/backend/window.hpp"
#include "rankwire/message.hpp"

using rankwire::Budget;
using rankwire::Deadline;
using rankwire::MemoryLimits;

namespace {

constexpr std::uint64_t window = 1 << 20, budget = 80'000;
/// Of 5 ranks: shares of 10,000 bytes, and 40,000 beyond them.
constexpr int ranks = 5;
const MemoryLimits limits{window, budget, ranks};

std::uint64_t nothing(int) {
  return 0;
}

}  // namespace

TEST_CASE("budget: where all windows fit into it, the share is the window") {
  CHECK(MemoryLimits{window, 4 * window, 5}.share_bytes == window);
  CHECK(MemoryLimits{window, 4 * window - 1, 5}.share_bytes == window / 2 - 1);
  CHECK(MemoryLimits{window, 1, 1}.share_bytes >= 128);
}

TEST_CASE("budget: half of it is for the shares, the rest for what goes beyond") {
  CHECK(limits.share_bytes == 10'000);
  CHECK(limits.pool_bytes == 40'000);
  const MemoryLimits poorer = limits.with_share(10'000, 50'000, ranks);
  CHECK(poorer.pool_bytes == 10'000);
  CHECK(limits.with_share(10'000, 30'000, ranks).pool_bytes == 0);
  // A share is enough for a message of one byte.
  CHECK(MemoryLimits{window, 1 << 16, 100'000}.share_bytes == 128);
}

TEST_CASE("budget: the share is sure, for more a sender asks once, and has what is granted") {
  Budget sender{ranks, limits}, receiver{ranks, limits};
  CHECK(sender.has_room(1, 5'000, 0, 5'000));
  CHECK_FALSE(sender.has_room(1, 5'000, 0, 5'001));
  const auto want = sender.want(1, 5'000, 20'000);
  REQUIRE(want);
  CHECK(want->total == 25'000);
  CHECK_FALSE(sender.want(1, 5'000, 20'000));
  receiver.wanted({0, want->number, want->total}, 0);
  const auto grant = receiver.next_grant();
  REQUIRE(grant);
  CHECK(grant->rank == 0);
  CHECK(grant->total >= want->total);
  CHECK(receiver.granted_beyond_bytes() == grant->total - 10'000);
  sender.granted({1, grant->number, grant->total});
  CHECK(sender.has_room(1, 5'000, 0, 20'000));
  CHECK_FALSE(sender.has_room(1, 5'000, 0, grant->total - 4'999));
  receiver.taken(0, grant->total - 10'000);
  CHECK(receiver.granted_beyond_bytes() == 0);
}

TEST_CASE("budget: who asks for more meanwhile is answered, though it was granted that already") {
  Budget sender{ranks, limits}, receiver{ranks, limits};
  const auto first = sender.want(1, 0, 20'000);
  receiver.wanted({0, first->number, first->total}, 0);
  const auto early = receiver.next_grant();
  REQUIRE(early->total > 21'000);
  const auto second = sender.want(1, 0, 21'000);  // a larger message, before the grant has come
  sender.granted({1, early->number, early->total});
  receiver.wanted({2, 1, 45'000}, 0);  // waits for room, and holds the answer up
  receiver.wanted({3, 1, 45'000}, 0);
  receiver.wanted({0, second->number, second->total}, 0);
  const auto late = receiver.next_grant();
  REQUIRE(late);
  CHECK(late->rank == 0);
  sender.granted({1, late->number, late->total});
  CHECK(sender.has_room(1, 0, 0, 21'000));
}

TEST_CASE("budget: wants that find no room wait in their order; what is taken makes room") {
  Budget receiver{ranks, limits};
  receiver.wanted({1, 1, 45'000}, 0);
  REQUIRE(receiver.next_grant());
  receiver.wanted({2, 1, 40'000}, 0);
  receiver.wanted({3, 1, 11'000}, 0);
  CHECK_FALSE(receiver.next_grant());
  receiver.taken(1, 45'000);
  CHECK(receiver.next_grant()->rank == 2);
  CHECK(receiver.next_grant()->rank == 3);
  CHECK_FALSE(receiver.has_wants());
}

TEST_CASE("budget: one message of any size has room where nothing is beyond its share") {
  Budget receiver{ranks, limits};
  receiver.wanted({1, 1, 100 * budget}, 0);
  CHECK(receiver.next_grant());
  receiver.wanted({2, 1, 11'000}, 0);
  CHECK_FALSE(receiver.next_grant());
  Budget sender{ranks, limits};
  (void)sender.want(1, 0, 100 * budget);
  sender.granted({1, 1, 100 * budget});
  CHECK(sender.has_room(1, 0, 0, 100 * budget));
  sender.outstanding(2, 10'001);
  CHECK_FALSE(sender.has_room(1, 0, 0, 100 * budget));
}

TEST_CASE("budget: a sender bounds what it has outstanding at all others together") {
  Budget sender{ranks, limits};
  for (const int dest : {1, 2}) {
    (void)sender.want(dest, 0, 35'000);
    sender.granted({dest, 1, 35'000});
  }
  CHECK(sender.has_room(1, 0, 0, 35'000));
  sender.outstanding(1, 35'000);
  CHECK(sender.sent_beyond_bytes() == 25'000);
  CHECK_FALSE(sender.has_room(2, 0, 0, 35'000));
  CHECK(sender.has_room(2, 0, 0, 25'000));
  sender.outstanding(1, 20'000);
  CHECK(sender.has_room(2, 0, 0, 35'000));
  sender.departed(1);
  CHECK(sender.sent_beyond_bytes() == 0);
}

TEST_CASE("budget: what is not used goes back, and an older grant is void then") {
  Budget sender{ranks, limits, std::chrono::milliseconds{1}}, receiver{ranks, limits};
  const auto want = sender.want(1, 0, 30'000);
  receiver.wanted({0, want->number, want->total}, 0);
  const auto grant = receiver.next_grant();
  std::vector<Budget::Want> told;
  const auto give_back = [&](int kept) {
    const Deadline limit = std::chrono::seconds{10};
    do {
      sender.give_back(kept, nothing, [&](const auto& back) { told.push_back(back); });
    } while (told.empty() && kept < 0 && !limit.expired());
  };
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
  for (const int kept : {-1, 1}) sender.give_back(kept, nothing, [&](const auto&) { FAIL(""); });
  sender.granted({1, grant->number, grant->total});
  std::this_thread::sleep_for(std::chrono::milliseconds{5});
  give_back(1);
  CHECK(told.empty());  // a send waits for it
  give_back(-1);
  REQUIRE(told.size() == 1);
  CHECK(told[0].total == 0);
  sender.granted({1, grant->number, grant->total});
  CHECK_FALSE(sender.has_room(1, 0, 0, 30'000));
  CHECK(told[0].number == 0);
  receiver.wanted({0, 0, told[0].total}, 0);
  CHECK(receiver.granted_beyond_bytes() == 0);
  CHECK_FALSE(receiver.next_grant());
  CHECK(sender.want(1, 0, 30'000));
}

TEST_CASE(
    "budget: a program that polls rarely finds what it was granted at one of its next polls") {
  Budget sender{ranks, limits, std::chrono::milliseconds{10}}, receiver{ranks, limits};
  int polls = 0;
  for (; polls < 10 && !sender.has_room(1, 0, 0, 30'000); ++polls) {
    if (const auto want = sender.want(1, 0, 30'000)) {
      receiver.wanted({0, want->number, want->total}, 0);
      if (const auto grant = receiver.next_grant()) {
        sender.granted({1, grant->number, grant->total});
      }
    }
    const Deadline next{std::chrono::milliseconds{100}};
    while (!next.expired()) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      sender.give_back(-1, nothing, [&](const auto& back) {
        receiver.wanted({0, back.number, back.total}, 0);
      });
    }
  }
  CHECK(polls > 1);
  CHECK(polls < 10);
}

TEST_CASE("budget: what a receive waits for is granted whatever is used") {
  Budget receiver{ranks, limits};
  receiver.wanted({1, 1, 45'000}, 0);
  const auto first = receiver.next_grant();
  for (const int source : {2, 3, 4}) receiver.wanted({source, 1, 40'000}, 0);
  CHECK_FALSE(receiver.next_grant());
  CHECK(receiver.grant_awaited(3, nothing)->rank == 3);
  CHECK_FALSE(receiver.grant_awaited(3, nothing));
  // From anyone: only once all that was granted has come.
  CHECK_FALSE(receiver.grant_awaited(rankwire::any_source, nothing));
  const auto all = [&](int source) { return source == 1 ? first->total : 40'000; };
  CHECK(receiver.grant_awaited(rankwire::any_source, all)->rank == 2);
}

TEST_CASE("budget: who was granted room and does not use it holds up no receive from anyone") {
  Budget receiver{ranks, limits, std::chrono::milliseconds{20}};
  receiver.wanted({1, 1, 45'000}, 0);
  REQUIRE(receiver.next_grant());
  receiver.wanted({2, 1, 40'000}, 0);
  receiver.wanted({3, 1, 40'000}, 0);
  std::vector<int> granted;
  const Deadline limit = std::chrono::seconds{10};
  while (granted.size() < 2 && !limit.expired()) {
    const auto grant = receiver.grant_awaited(rankwire::any_source, nothing);
    if (grant) granted.push_back(grant->rank);
    if (granted.size() == 1) receiver.taken(2, 50'000);  // comes at once; only rank 1 idles
  }
  CHECK(granted == std::vector{2, 3});
}

TEST_CASE("budget: who departs makes room, and wants nothing any more") {
  Budget receiver{ranks, limits};
  receiver.wanted({1, 1, 45'000}, 0);
  REQUIRE(receiver.next_grant());
  receiver.wanted({2, 1, 40'000}, 0);
  receiver.wanted({3, 1, 40'000}, 0);
  receiver.departed(1);
  receiver.departed(2);
  CHECK(receiver.next_grant()->rank == 3);
  CHECK_FALSE(receiver.next_grant());
}

TEST_CASE("budget: a want of any total does no harm") {
  Budget receiver{ranks, limits};
  receiver.wanted({1, 1, UINT64_MAX}, 5);
  CHECK(receiver.next_grant());
  receiver.wanted({1, 0, 0}, 5);
  CHECK(receiver.granted_beyond_bytes() == 0);
  receiver.wanted({2, 1, UINT64_MAX}, UINT64_MAX / 2);
  CHECK(receiver.next_grant());
  CHECK(receiver.granted_beyond_bytes() > budget);
}

/// Four senders and a receiver whose words to each other are late. What the receiver holds never
/// exceeds the shares and the pool, as long as no message is larger; and all arrives.
TEST_CASE("budget: at random, memory is bounded and everything arrives") {
  std::mt19937 random{7};
  struct Sender {
    Budget budget{ranks, limits, std::chrono::milliseconds{0}};
    std::uint64_t sent = 0, credited = 0, taken = 0, left = 2'000'000;
    std::deque<Budget::Want> wants;    // under way to the receiver
    std::deque<Budget::Grant> grants;  // under way from it
    std::deque<std::uint64_t> credits;
  };
  std::array<Sender, ranks> senders;
  Budget receiver{ranks, limits};
  const auto held = [&] {
    std::uint64_t sum = 0;
    for (const Sender& sender : senders) sum += sender.sent - sender.taken;
    return sum;
  };
  std::uint64_t most = 0;
  const auto step = [&](int rank) {
    Sender& from = senders[static_cast<std::size_t>(rank)];
    switch (random() % 6) {
      case 0:
      case 1: {  // sends
        const std::uint64_t cost = std::min<std::uint64_t>(from.left, 1 + random() % 30'000);
        if (cost == 0) break;
        if (from.budget.has_room(0, from.sent, from.credited, cost)) {
          from.sent += cost;
          from.left -= cost;
          from.budget.outstanding(0, from.sent - from.credited);
        } else if (const auto want = from.budget.want(0, from.sent, cost)) {
          from.wants.push_back({rank, want->number, want->total});
        }
        break;
      }
      case 2:  // its words arrive
        if (!from.wants.empty()) {
          receiver.wanted(from.wants.front(), from.taken);
          from.wants.pop_front();
        }
        break;
      case 3:
        if (!from.grants.empty()) {
          from.budget.granted(from.grants.front());
          from.grants.pop_front();
        }
        if (!from.credits.empty()) {
          from.credited = from.credits.front();
          from.credits.pop_front();
          from.budget.outstanding(0, from.sent - from.credited);
        }
        break;
      case 4:  // the receiver takes
        from.taken += std::min<std::uint64_t>(from.sent - from.taken, random() % 20'000);
        from.credits.push_back(from.taken);
        receiver.taken(rank, from.taken);
        break;
      default:
        from.budget.give_back(
            -1, [&](int) { return from.sent; },
            [&](const auto& back) {
              from.wants.push_back({rank, back.number, back.total});
            });
    }
    while (const auto grant = receiver.next_grant()) {
      senders[static_cast<std::size_t>(grant->rank)].grants.push_back(
          {0, grant->number, grant->total});
    }
    most = std::max(most, held());
  };
  const auto all_taken = [&] {
    return std::all_of(senders.begin() + 1, senders.end(), [](const Sender& from) {
      return from.left == 0 && from.sent == from.taken;
    });
  };
  int steps = 0;
  for (; steps < 3'000'000 && !all_taken(); ++steps) step(1 + static_cast<int>(random() % 4));
  CHECK(all_taken());
  CHECK(most <= budget);
  CHECK(most > budget / 2);
}

TEST_CASE("budget: a quarter of what the host and the control groups grant, at most 1 GiB") {
  const auto base = std::filesystem::temp_directory_path() / "rankwire_test_budget";
  std::filesystem::create_directories(base / "groups/a/b");
  std::ofstream{base / "cgroup"} << "0::/a/b\n";
  std::ofstream{base / "groups/a/memory.max"} << "4096000\n";
  std::ofstream{base / "groups/a/b/memory.max"} << "max\n";
  CHECK(rankwire::host_memory_bytes(base / "cgroup", base / "groups") == 4'096'000);
  CHECK(rankwire::host_memory_bytes(base / "none", base / "none") > 4'096'000);
  std::filesystem::remove_all(base);
  rankwire::Settings settings;
  CHECK(rankwire::memory_budget(settings) <= 1 << 30);
  settings.memory_bytes = 12'345'678;
  CHECK(rankwire::memory_budget(settings) == 12'345'678);
}
