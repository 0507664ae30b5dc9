#include <algorithm>
#include <csignal>
#include <rankwire/interrupt.hpp>
#include <thread>

#include "system.hpp"

using namespace test_system;
using namespace std::chrono_literals;

namespace {

Result product(const Arguments& arguments) {
  return support::run({Arguments{PRODUCT} + arguments});
}

/// The product of ten consecutive integers up to `last`, by hand: digit by digit.
std::string product_up_to(int last) {
  std::string digits{"1"};  // the least first
  for (int factor = last - 9; factor <= last; ++factor) {
    int carry = 0;
    for (char& digit : digits) {
      carry += (digit - '0') * factor;
      digit = static_cast<char>('0' + carry % 10);
      carry /= 10;
    }
    for (; carry > 0; carry /= 10) digits += static_cast<char>('0' + carry % 10);
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace

TEST_CASE("product prints the golden output") {
  for (const int ranks : {1, 2, 4, 12}) {
    CAPTURE(ranks);
    const auto result = product({"-n", std::to_string(ranks)});
    CHECK_CODE(result, 0);
    CHECK(result.out == golden(ranks));
    CHECK(result.err.empty());
  }
}

TEST_CASE("product runs 4 ranks when nothing is said") {
  CHECK(product({}).out == golden(4));
}

TEST_CASE("product is exact for ranks in the thousands") {
  const auto result = product({"-n", "1200"});
  CHECK_CODE(result, 0);
  for (const int worker : {1, 9, 100, 1000, 1199}) {
    CAPTURE(worker);
    CHECK(has(result.out, "worker process " + std::to_string(worker) + ":\n"));
    CHECK(has(result.out, "Calculated product: " + product_up_to(worker * 10) + "\n"));
  }
}

TEST_CASE("product --format json: one object a worker a line") {
  const auto result = product({"--format", "json"});
  CHECK_CODE(result, 0);
  CHECK(result.out == json_line(1) + json_line(2) + json_line(3));
}

TEST_CASE("product --fail: the other results, then what is wrong") {
  const std::string others = json_line(1) + json_line(3);
  const Arguments json{"--format", "json", "--fail"};
  SUBCASE("crash") {
    const auto result = product(json + Arguments{"2:crash"});
    CHECK_CODE(result, 3);
    CHECK(result.out == others);
    CHECK_HAS(result.err, "rank 2 (");
    CHECK_HAS(result.err, "was lost");
  }
  SUBCASE("leave") {
    const auto result = product(json + Arguments{"2:leave"});
    CHECK_CODE(result, 3);
    CHECK(result.out == others);
    CHECK_HAS(result.err, "rank 2 (");
    CHECK_HAS(result.err, " left ");
  }
  SUBCASE("hang") {
    const auto result = product(json + Arguments{"2:hang", "--timeout", "5s", "--linger", "1s"});
    CHECK_CODE(result, 4);
    CHECK(result.out == others);
    CHECK_HAS(result.err, "rank 2 (");
    CHECK_HAS(result.err, "gave no result within 5s");
  }
}

TEST_CASE("SIGINT and SIGTERM end all ranks") {
  for (const int number : {SIGINT, SIGTERM}) {
    Process process{{{WAITER, "-n", "3"}}};
    for (const char* const rank : {"rank 0 waits", "rank 1 waits", "rank 2 waits"}) {
      process.wait_for_text(rank);
    }
    process.send_signal(number);
    const auto result = process.wait();
    CHECK_CODE(result, 128 + number);
    CHECK_HAS(result.err, "interrupted by SIG");
  }
}

TEST_CASE("one signal, one line: nobody tells of a rank that was lost by it") {
  for (int i = 0; i < 20; ++i) {
    Process process{{{WAITER, "-n", "4"}}};
    for (const char* const rank : {"rank 0", "rank 1", "rank 2", "rank 3"}) {
      process.wait_for_text(std::string{rank} + " waits");
    }
    process.send_signal(SIGTERM);
    const auto result = process.wait();
    CHECK_CODE(result, 143);
    CHECK_HAS(result.err, "interrupted by SIGTERM");
    CHECK_FALSE(has(result.err, "was lost"));
    CHECK_MESSAGE(std::count(result.err.begin(), result.err.end(), '\n') == 4 + 1, result.err);
  }
}

TEST_CASE("the same signal twice at once is one, as timeout sends it; later it is final") {
  for (int i = 0; i < 20; ++i) {
    Process process{{{WAITER, "-n", "2"}}};
    process.wait_for_text("rank 0 waits");
    process.wait_for_text("rank 1 waits");
    process.send_signal(SIGTERM);
    process.send_signal(SIGTERM);
    const auto result = process.wait();
    CHECK_CODE(result, 143);
    CHECK_HAS(result.err, "interrupted by SIGTERM");
  }
  Process hung{{{PRODUCT, "-n", "3", "--fail", "2:hang", "--linger", "1h"}}};
  hung.wait_for_text("worker process 1:");
  hung.send_signal(SIGINT);
  std::this_thread::sleep_for(rankwire::one_interrupt * 2);
  hung.send_signal(SIGINT);
  CHECK_CODE(hung.wait(), 130);
}

TEST_CASE("SIGINT ends a rank that hangs outside of the library too") {
  Process process{{{PRODUCT, "-n", "3", "--fail", "2:hang"}}};
  process.wait_for_text("worker process 1:");
  process.send_signal(SIGINT);
  CHECK_CODE(process.wait(), 130);
}

TEST_CASE("results that stdout does not take are a failure") {
  for (const Arguments& arguments :
       {Arguments{}, {"--help"}, {"--version"}, {"--format", "json"}}) {
    const auto result =
        support::run({.arguments = Arguments{PRODUCT} + arguments, .stdout_to = "/dev/full"});
    CHECK_CODE(result, 1);
    CHECK_HAS(result.err, "stdout did not take all results");
    // Closed, its number must not go to a socket or a file of the program's.
    const auto closed =
        support::run({Arguments{"sh", "-c", "exec \"$0\" \"$@\" >&-", PRODUCT} + arguments});
    CHECK_CODE(closed, 1);
    CHECK_HAS(closed.err, "stdout did not take all results");
  }
  // The reader has gone before the first line.
  const auto unread =
      support::run({{"bash", "-c", "exec 3> >(exec 0<&-); wait $!; \"$0\" >&3", PRODUCT}});
  CHECK_CODE(unread, 1);
  CHECK_HAS(unread.err, "stdout did not take all results");
}

TEST_CASE("a rank that leaves by exit while others work is a failure") {
  for (const std::string& how : {std::string{"exit"}, std::string{"quick_exit"}}) {
    CAPTURE(how);
    for (const std::string& leaver : {std::string{"0"}, std::string{"1"}}) {
      const auto result = support::run({{LEAVER, "-n", "3", "--how", how, "--leaver", leaver}});
      CHECK_CODE(result, 3);
      CHECK_HAS(result.err, "rank " + leaver + " (");
      CHECK_HAS(result.err, "before all ranks had returned");
    }
  }
  CHECK_CODE(support::run({{LEAVER, "-n", "3", "--how", "exit", "--code", "7"}}), 7);
  CHECK_CODE(support::run({{LEAVER, "-n", "3", "--how", "return", "--code", "256"}}), 1);
  CHECK_CODE(support::run({{LEAVER, "-n", "3", "--how", "pthread_exit"}}), 3);
  CHECK_CODE(support::run({{LEAVER, "-n", "1", "--how", "pthread_exit", "--leaver", "0"}}), 3);
  CHECK_CODE(support::run({{LEAVER, "-n", "3", "--how", "fork"}, no_leak_check}), 0);
}
