// This header alone: what the README says is enough.
#include <rankwire/rankwire.hpp>
// And doctest, which comes after it.
#include <doctest/doctest.h>

// Each row of the README's table "What can be sent", sent and received. (tests/readme/types.sh
// holds that no type of the table is missing here.)

namespace {

template <class T>
T sent(const T& value) {
  return rankwire::decode<T>(rankwire::encode(value).bytes());
}
template <class T>
void check(const T& value) {
  CHECK(sent(value) == value);
}
template <class T, class... Values>
void check_each(Values... values) {
  (check(static_cast<T>(values)), ...);
}

enum class Colour : std::uint8_t { red, green };

struct Own {
  int first = 0;
  std::string second;
  bool operator==(const Own&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(first, second);
  }
};

struct WithArray {
  int numbers[3] = {};
  Own owns[2] = {};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(numbers, owns);
  }
};

struct Counter {
  Counter() = default;
  explicit Counter(int with) : value{with} {}
  std::atomic<int> value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

}  // namespace

TEST_CASE("README: numbers and enums") {
  check_each<std::int8_t>(-128, 127);
  check_each<std::uint64_t>(0, UINT64_MAX);
  check_each<bool>(true, false);
  check_each<char>('a');
  check_each<char8_t>(u8'a');
  check_each<char16_t>(u'\u00f6');
  check_each<char32_t>(U'\U0001f680');
  check_each<std::byte>(7);
  check_each<float>(1.5);
  check_each<double>(-1e300);
  check(Colour::green);
}

TEST_CASE("README: texts") {
  check(std::string{"a text longer than any small string"});
  const auto bytes = rankwire::encode(std::string_view{"text"});
  CHECK(rankwire::decode<std::string>(bytes.bytes()) == "text");
}

TEST_CASE("README: sequences") {
  check(std::vector<double>{1, 2.5});
  check(std::vector<Own>{{1, "a"}, {}});
  check(std::array<int, 3>{1, 2, 3});
  check(std::deque<std::string>{"a", ""});
  check(std::list<Own>{{1, "a"}});
  check(std::forward_list<int>{3, 2, 1});
  const std::valarray<double> values{1, 2};
  CHECK((sent(values) == values).min());
  const std::array<double, 2> memory{1, 2};
  const auto bytes = rankwire::encode(std::span<const double>{memory});
  CHECK(rankwire::decode<std::vector<double>>(bytes.bytes()) == std::vector<double>{1, 2});
  const WithArray arrays = sent(WithArray{{1, 2, 3}, {{1, "a"}, {2, "b"}}});
  CHECK(arrays.numbers[2] == 3);
  CHECK(arrays.owns[1].second == "b");
}

TEST_CASE("README: sets, maps and queues; equal elements keep their order") {
  check(std::set<std::string>{"b", "a"});
  check(std::multiset<int>{1, 1, 2});
  check(std::unordered_set<int>{1, 2});
  check(std::unordered_multiset<int>{1, 1, 2});
  check(std::map<int, Own>{{1, {1, "a"}}});
  const std::multimap<int, std::string> equal{{1, "first"}, {1, "second"}};
  check(equal);
  check(std::unordered_map<std::string, int>{{"a", 1}});
  check(std::unordered_multimap<int, int>{{1, 2}, {1, 3}});
  check(std::queue<int>{{1, 2, 3}});
  check(std::stack<int>{{1, 2, 3}});
  std::priority_queue<int, std::vector<int>, std::greater<>> least_first;
  for (const int value : {3, 1, 2}) least_first.push(value);
  auto back = sent(least_first);
  CHECK(back.size() == 3);
  CHECK(back.top() == 1);
}

TEST_CASE("README: pairs and choices") {
  check(std::pair<int, std::string>{1, "a"});
  check(std::tuple<int, Own, double>{1, {2, "b"}, 3.5});
  check(std::optional<Own>{});
  check(std::optional<Own>{{1, "a"}});
  check(std::variant<std::monostate, int, Own>{Own{1, "a"}});
}

TEST_CASE("README: times, and other values") {
  check(std::chrono::milliseconds{1500});
  check(std::chrono::system_clock::time_point{std::chrono::seconds{5}});
  check(std::complex<double>{1, -2});
  check(std::bitset<70>{5});
  const auto bytes = rankwire::encode(std::make_unique<Counter>(7));
  CHECK(rankwire::decode<std::unique_ptr<Counter>>(bytes.bytes())->value == 7);
}

TEST_CASE("README: smart pointers") {
  CHECK(*sent(std::make_shared<Own>(Own{1, "a"})) == Own{1, "a"});
  const auto unique = rankwire::decode<std::unique_ptr<Own>>(
      rankwire::encode(std::make_unique<Own>(Own{1, "a"})).bytes());
  CHECK(*unique == Own{1, "a"});
  const auto owner = std::make_shared<int>(5);
  const auto [shared, weak] =
      sent(std::pair<std::shared_ptr<int>, std::weak_ptr<int>>{owner, owner});
  CHECK(weak.lock() == shared);
}

TEST_CASE("README: nested at will") {
  check(std::map<std::string, std::vector<std::optional<std::tuple<int, Own>>>>{
      {"a", {std::tuple{1, Own{2, "b"}}, std::nullopt}}});
}
