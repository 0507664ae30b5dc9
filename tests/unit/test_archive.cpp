#include <doctest/doctest.h>

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <cstring>
#include <deque>
#include <limits>
#include <list>
#include <set>
#include <tuple>
#include <valarray>

#include "archive_types.hpp"
#include "text_of.hpp"

using namespace rankwire;

namespace {

template <class T>
T round_trip(const T& value) {
  return decode<T>(encode(value).bytes());
}
template <class T>
void check_round_trip(const T& value) {
  CHECK(round_trip(value) == value);
}

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

TEST_CASE("archive: shared objects stay shared, and of their type") {
  Graph graph;
  graph.points = {std::make_shared<Point>(Point{1, 2}), nullptr};
  graph.points.push_back(graph.points[0]);
  graph.names = {std::make_shared<std::string>("a")};
  graph.names.push_back(graph.names[0]);
  const auto back = round_trip(graph);
  CHECK(*back.points[0] == Point{1, 2});
  CHECK(back.points[0] == back.points[2]);
  CHECK(back.points[1] == nullptr);
  CHECK(*back.names[1] == "a");
  CHECK(back.names[0].use_count() == 2);
}

TEST_CASE("archive: a cycle is refused, for nobody could free it") {
  auto ring = std::make_shared<Ring>();
  ring->next = ring;
  const auto bytes = encode(ring);
  ring->next.reset();
  const auto text =
      text_of<DecodeError>([&] { (void)decode<std::shared_ptr<Ring>>(bytes.bytes()); });
  CHECK_SAYS(text, "cycle");
}

TEST_CASE("archive: spans and views are sent as what a receiver can own") {
  const std::array<double, 3> numbers{1, 2, 3};
  const std::vector<std::string> texts{"a", "b"};
  CHECK(decode<std::vector<double>>(encode(std::span{numbers}).bytes()).size() == 3);
  CHECK(decode<std::vector<std::string>>(encode(std::span{texts}).bytes()) == texts);
  CHECK(decode<std::string>(encode(std::string_view{"text"}).bytes()) == "text");
}

TEST_CASE("archive: the bytes are those of the specification") {
  const auto text_bytes = [](const Buffer& buffer) { return std::string{buffer.text()}; };
  CHECK(text_bytes(encode(std::uint16_t{0x1234})) == std::string("\xf9\x21\x34\x12", 4));
  CHECK(text_bytes(encode(true)) == std::string("\xf9\x10\x01", 3));
  CHECK(text_bytes(encode(std::string{"ab"})) ==
        std::string("\xf9\x51\x11\x02\0\0\0\0\0\0\0ab", 13));
  CHECK(text_bytes(encode(std::vector<std::int16_t>{1})) ==
        std::string("\xf9\x50\x31\x01\0\0\0\0\0\0\0\x01\0", 13));
  CHECK(text_bytes(encode(std::pair<char, bool>{'x', false})) ==
        std::string("\xf9\x70\x11x\x10\0\x71", 7));
  CHECK(text_bytes(encode(std::deque<bool>{true})) ==
        std::string("\xf9\x70\x60\x01\0\0\0\0\0\0\0\x10\x01\x71", 14));
}

TEST_CASE("archive: bytes are reversed element by element for a host of the other order") {
  const std::array<std::uint32_t, 2> native{0x01020304, 0xa1a2a3a4};
  std::array<std::byte, 8> reversed{};
  archive::copy_reversed(reversed.data(), std::as_bytes(std::span{native}).data(), 2, 4);
  std::array<std::uint32_t, 2> swapped{};
  std::memcpy(swapped.data(), reversed.data(), 8);
  CHECK(swapped == std::array<std::uint32_t, 2>{0x04030201, 0xa4a3a2a1});
  archive::copy_reversed(nullptr, nullptr, 0, 8);
}

TEST_CASE("archive: a small value is encoded inside the Buffer, a large block in one piece") {
  const auto small = encode(Point{1, 2});
  const auto* const object = reinterpret_cast<const std::byte*>(&small);
  CHECK(small.data() >= object);
  CHECK(small.data() < object + sizeof small);
  for (std::size_t count = 0; count < 300; ++count) {
    check_round_trip(std::pair{std::string(count, 'x'), std::vector<int>(count)});
  }
}

TEST_CASE("archive: nesting has a limit on both sides") {
  const auto chain = [](int length) {
    auto first = std::make_unique<Tree>();
    for (Tree* last = first.get(); length > 1; --length, last = last->left.get()) {
      last->left = std::make_unique<Tree>();
    }
    return first;
  };
  // Each link is a pointer and a class.
  const auto deepest = encode(chain(archive::depth_max / 2 - 1));
  CHECK(decode<std::unique_ptr<Tree>>(deepest.bytes()) != nullptr);
  CHECK_SAYS(text_of<UsageError>([&] { (void)encode(chain(archive::depth_max)); }), "nested");
  auto link = std::string("\x70\x20\x01\x70\x32\0\0\0\0", 9);  // pointer, 1, class, value
  std::string hostile = "\xf9";
  for (int i = 0; i < 100'000; ++i) hostile += link;
  const auto bytes = Buffer::copy_of(hostile);
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<std::unique_ptr<Tree>>(bytes.bytes()); }),
             "nested");
}
