#include <array>
#include <atomic>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstring>
#include <deque>
#include <forward_list>
#include <limits>
#include <list>
#include <memory_resource>
#include <queue>
#include <set>
#include <stack>
#include <tuple>
#include <valarray>

#include "archive_round_trip.hpp"

// Values that go there and come back. Pointers: test_archive_pointers.cpp; what is on the wire:
// test_archive_bytes.cpp.

using namespace rankwire;

namespace {

struct Arrays {
  int numbers[2][2] = {};
  Point points[2] = {};
  char text[4] = {};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(numbers, points, text);
  }
};

enum class Color : std::uint8_t { red, green = 200 };
enum class Flag : bool { off, on };

}  // namespace

TEST_CASE("archive: scalars, at their limits") {
  check_round_trip(true);
  check_round_trip('x');
  check_round_trip(std::numeric_limits<std::int8_t>::min());
  check_round_trip(std::numeric_limits<std::uint8_t>::max());
  check_round_trip(std::numeric_limits<std::int16_t>::min());
  check_round_trip(std::numeric_limits<std::uint16_t>::max());
  check_round_trip(std::numeric_limits<int>::min());
  check_round_trip(std::numeric_limits<unsigned>::max());
  check_round_trip(std::numeric_limits<long>::min());
  check_round_trip(std::numeric_limits<unsigned long>::max());
  check_round_trip(std::numeric_limits<long long>::min());
  check_round_trip(std::numeric_limits<unsigned long long>::max());
  check_round_trip(1.5F);
  check_round_trip(-0.1);
  check_round_trip(std::numeric_limits<double>::infinity());
  check_round_trip(u'x');
  check_round_trip(U'x');
  check_round_trip(Color::green);
  check_round_trip(Flag::on);
  check_round_trip(std::byte{255});
}

TEST_CASE("archive: integers of one width are one type, whatever C++ calls them") {
  const auto bytes = encode(5L);
  CHECK(decode<std::int64_t>(bytes.bytes()) == 5);
  CHECK(decode<long long>(bytes.bytes()) == 5);
}

TEST_CASE("archive: blocks") {
  check_round_trip(std::string{"text"});
  check_round_trip(std::string("\0\xff", 2));
  check_round_trip(std::u16string{u"text"});
  check_round_trip(std::vector<double>{1, 2, 3});
  check_round_trip(std::vector<char>{'a', 'b'});
  check_round_trip(std::vector<std::byte>{std::byte{1}, std::byte{255}});
  check_round_trip(std::array<std::int16_t, 3>{1, 2, 3});
  check_round_trip(std::array<bool, 3>{true, false, true});
  check_round_trip(std::vector<std::uint8_t>(1'000'000, std::uint8_t{7}));
}

TEST_CASE("archive: empty ones") {
  check_round_trip(std::string{});
  check_round_trip(std::vector<int>{});
  check_round_trip(std::vector<std::string>{});
  check_round_trip(std::vector<bool>{});
  check_round_trip(std::array<int, 0>{});
  check_round_trip(std::array<char, 0>{});
  check_round_trip(std::map<int, int>{});
  check_round_trip(std::tuple<>{});
  check_round_trip(std::optional<int>{});
  check_round_trip(Task{});
  CHECK(round_trip(std::unique_ptr<int>{}) == nullptr);
  CHECK(round_trip(std::shared_ptr<int>{}) == nullptr);
}

TEST_CASE("archive: containers") {
  check_round_trip(std::vector<std::string>{"a", "", std::string(100, 'x')});
  check_round_trip(std::vector<bool>{true, false, true, true});
  check_round_trip(std::vector<std::vector<int>>{{1}, {}, {2, 3}});
  check_round_trip(std::deque<int>{1, 2, 3});
  check_round_trip(std::deque<bool>{true, false});
  check_round_trip(std::list<Point>{{1, 2}, {3, 4}});
  check_round_trip(std::set<std::string>{"b", "a"});
  check_round_trip(std::multiset<int>{1, 1, 2});
  check_round_trip(std::unordered_set<int>{5, 6, 7});
  check_round_trip(std::map<int, std::string>{{1, "a"}, {2, "b"}});
  check_round_trip(std::multimap<int, int>{{1, 2}, {1, 3}});
  check_round_trip(std::unordered_map<std::string, Point>{{"a", {1, 2}}, {"b", {3, 4}}});
  check_round_trip(std::array<std::string, 2>{"a", "b"});
  check_round_trip(std::array<std::array<int, 2>, 2>{{{1, 2}, {3, 4}}});
}

TEST_CASE("archive: containers with allocators of their own") {
  check_round_trip(std::pmr::vector<std::pmr::string>{"a", "b"});
  check_round_trip(std::pmr::map<std::pmr::string, std::pmr::vector<int>>{{"a", {1, 2}}});
  check_round_trip(std::pmr::unordered_set<int>{1, 2, 3});
}

TEST_CASE("archive: the rest of the standard's values") {
  check_round_trip(std::pair<int, std::string>{1, "a"});
  check_round_trip(std::tuple<int, double, std::string>{1, 2.5, "a"});
  check_round_trip(std::optional<std::string>{"a"});
  check_round_trip(std::variant<int, std::string>{"a"});
  check_round_trip(std::chrono::milliseconds{1500});
  check_round_trip(std::chrono::system_clock::time_point{std::chrono::seconds{5}});
  check_round_trip(std::complex<double>{1.5, -2.5});
  check_round_trip(std::vector<std::complex<float>>{{1, 2}, {3, 4}});
  check_round_trip(std::bitset<19>{0x5a5a5});
  const std::valarray<double> values{1, 2, 3};
  const auto back = round_trip(values);
  CHECK(std::equal(std::begin(values), std::end(values), std::begin(back), std::end(back)));
  CHECK(round_trip(std::valarray<int>{}).size() == 0);
}

TEST_CASE("archive: classes, nested and move-only") {
  check_round_trip(example_task());
  Tree tree;
  tree.value = 1;
  tree.left = std::make_unique<Tree>();
  tree.left->value = 2;
  const auto back = round_trip(tree);
  CHECK(back.value == 1);
  CHECK(back.left->value == 2);
  CHECK(back.right == nullptr);
}

TEST_CASE("archive: C arrays in a class") {
  Arrays arrays;
  arrays.numbers[1][0] = 5;
  arrays.points[1].x = 6;
  std::strcpy(arrays.text, "abc");
  const auto back = round_trip(arrays);
  CHECK(back.numbers[1][0] == 5);
  CHECK(back.points[1].x == 6);
  CHECK(back.text == std::string{"abc"});
}

TEST_CASE("archive: equal elements keep their order") {
  const auto ids = [](const auto& jobs) {
    std::string text;
    for (const Job& job : jobs) text += std::to_string(job.id);
    return text;
  };
  const auto popped = [](auto queue) {
    std::string text;
    for (; !queue.empty(); queue.pop()) text += std::to_string(queue.top().id);
    return text;
  };
  std::multiset<Job> sorted{{1, 1}, {1, 2}, {0, 3}, {1, 4}};
  CHECK(ids(round_trip(sorted)) == "3124");
  std::unordered_multiset<Job> hashed{{1, 1}, {1, 2}, {0, 3}, {1, 4}, {0, 5}, {1, 6}};
  const auto back = round_trip(hashed);
  const std::unordered_multimap<int, Job> map{{1, {1, 1}}, {1, {1, 2}}, {0, {0, 3}}, {1, {1, 4}}};
  const auto map_back = round_trip(map);
  for (const int key : {0, 1}) {
    const auto in = [&](const auto& jobs, auto each) {
      std::string text;
      for (auto [at, last] = jobs.equal_range(each); at != last; ++at) {
        if constexpr (std::is_same_v<decltype(each), Job>) {
          text += std::to_string(at->id);
        } else {
          text += std::to_string(at->second.id);
        }
      }
      return text;
    };
    CHECK(in(back, Job{key, 0}) == in(hashed, Job{key, 0}));
    CHECK(in(map_back, key) == in(map, key));
  }
  std::priority_queue<Job> most;
  std::priority_queue<Job, std::vector<Job>, std::greater<Job>> least;
  for (int id = 1; id < 10; ++id) {
    most.push({id % 2, id});
    least.push({id % 2, id});
  }
  CHECK(popped(round_trip(most)) == popped(most));
  CHECK(popped(round_trip(least)) == popped(least));
  std::multimap<int, int> pairs{{1, 2}, {1, 1}, {0, 5}, {1, 3}};
  check_round_trip(pairs);
}

TEST_CASE("archive: queues, and classes without members") {
  struct Stop {};
  (void)round_trip(Stop{});
  CHECK(round_trip(std::vector<Stop>(3)).size() == 3);
  CHECK(round_trip(std::variant<Stop, int>{Stop{}}).index() == 0);
  check_round_trip(std::queue<int>{{1, 2, 3}});
  check_round_trip(std::stack<int>{{1, 2, 3}});
  check_round_trip(std::forward_list<Point>{{1, 2}, {3, 4}});
  std::priority_queue<int, std::vector<int>, std::greater<int>> least;
  for (const int number : {3, 1, 2}) least.push(number);
  CHECK(round_trip(least).top() == 1);
  CHECK(round_trip(std::make_unique<std::atomic<int>>(5))->load() == 5);
  const auto atomics = encode(std::vector<std::atomic<int>>(3));
  CHECK(decode<std::deque<std::atomic<int>>>(atomics.bytes()).size() == 3);
  CHECK(decode<std::list<std::atomic<int>>>(atomics.bytes()).size() == 3);
}

TEST_CASE("archive: spans and views are sent as what a receiver can own") {
  const std::array<double, 3> numbers{1, 2, 3};
  const std::vector<std::string> texts{"a", "b"};
  CHECK(decode<std::vector<double>>(encode(std::span{numbers}).bytes()).size() == 3);
  CHECK(decode<std::vector<std::string>>(encode(std::span{texts}).bytes()) == texts);
  CHECK(decode<std::string>(encode(std::string_view{"text"}).bytes()) == "text");
}
