#include <doctest/doctest.h>

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

struct Both {
  std::shared_ptr<Point> whole;
  std::shared_ptr<std::int32_t> part;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(whole, part);
  }
};
struct Raw {
  std::array<char, 16> text{};
  std::size_t bytes = 16;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::binary_data(static_cast<double*>(static_cast<void*>(text.data())), bytes));
  }
};
struct Bytes {
  std::array<char, 3> text{};
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::binary_data(static_cast<void*>(text.data()), text.size()));
  }
};
struct DeferredRing {
  std::shared_ptr<DeferredRing> next;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::make_nvp("next", cereal::defer(next)));
    archive.serializeDeferments();
  }
};
struct Twice {
  Diamond diamond;
  template <class Archive>
  void save(Archive& archive) const {
    archive(diamond, diamond);
  }
  template <class Archive>
  void load(Archive& archive) {
    Diamond other;
    archive(diamond, other);
    CHECK(diamond == other);
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

TEST_CASE("archive: a cycle is refused, for nobody could free it; the sender is told") {
  auto ring = std::make_shared<Ring>();
  ring->next = std::make_shared<Ring>();
  ring->next->next = ring;
  const auto text = text_of<UsageError>([&] { (void)encode(ring); });
  ring->next->next.reset();
  CHECK_SAYS(text, "cannot send a std::shared_ptr<Ring>");
  CHECK_SAYS(text, "make the way back a std::weak_ptr");
  // Object 1, and within it, again object 1.
  const auto bytes = Buffer::copy_of(
      std::string("\xf9\x70\x22\x01\0\0\x80\x70\x70\x22\x01\0\0\0\x71\x71\x71", 17));
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<std::shared_ptr<Ring>>(bytes.bytes()); }),
             "cycle");
}

TEST_CASE("archive: a tree with weak pointers to parents") {
  const auto root = std::make_shared<Branch>();
  for (const int id : {1, 2}) {
    root->children.push_back(std::make_shared<Branch>());
    root->children.back()->id = id;
    root->children.back()->parent = root;
  }
  const auto twig = root->children[1]->children.emplace_back(std::make_shared<Branch>());
  twig->parent = root->children[1];
  twig->children.push_back(nullptr);
  const auto back = round_trip(root);
  CHECK(back->parent.expired());
  REQUIRE(back->children.size() == 2);
  CHECK(back->children[0]->id == 1);
  CHECK(back->children[0]->parent.lock() == back);
  CHECK(back->children[1]->parent.lock() == back);
  CHECK(back->children[1]->children[0]->parent.lock() == back->children[1]);
  CHECK(back.use_count() == 1);
  // By value, the parent that is pointed to is another object, in which its children are again.
  CHECK_SAYS(text_of<UsageError>([&] { (void)encode(*root); }), "send the outermost object by");
}

TEST_CASE("archive: one address, two types: two objects") {
  Both both{std::make_shared<Point>(Point{5, 6}), nullptr};
  both.part = {both.whole, &both.whole->x};
  const auto back = round_trip(both);
  CHECK(*back.whole == Point{5, 6});
  CHECK(*back.part == 5);
}

TEST_CASE("archive: sizes that count nothing that is there") {
  check_round_trip(Matrix{0, 1000, {}});
  check_round_trip(Matrix{1000, 0, {}});
  check_round_trip(Matrix{0, archive::fill_bytes_max, {}});
  check_round_trip(Matrix{2, 3, {1, 2, 3, 4, 5, 6}});
  check_round_trip(std::vector<Matrix>{{0, 100, {}}, {100, 0, {}}, {1, 1, {1}}});
  check_round_trip(std::pair{Matrix{7, 300, {}}, std::vector<std::string>{"a"}});
  CHECK(encode(Matrix{0, 1000, {}}).size() == 1020);
  CHECK(encode(Matrix{2, 3, {1, 2, 3, 4, 5, 6}}).size() == 79);
  for (const auto size : {std::uint64_t{1} << 30, UINT64_MAX}) {
    const auto text = text_of<UsageError>([&] { (void)encode(Matrix{0, size, {}}); });
    CHECK_SAYS(text, "cannot send a Matrix: cereal::make_size_tag");
    CHECK_SAYS(text, "archive(rows, columns)");
    CHECK_SAYS(text_of<UsageError>([&] { (void)encode(Matrix{size, size, {}}); }), "Matrix");
  }
}

TEST_CASE("archive: what fills up is of the right size and kind") {
  const auto bytes = encode(Matrix{0, 30, {}});
  const auto fails = [](const std::string& text) {
    const auto changed = Buffer::copy_of(text);
    return text_of<DecodeError>([&] { (void)decode<Matrix>(changed.bytes()); });
  };
  const std::string whole{bytes.text()};
  CHECK_SAYS(fails(whole.substr(0, whole.size() - 1)), "more than the bytes can hold");
  CHECK_SAYS(fails(whole + "\x6f"), "expected the end of the message");
  CHECK_SAYS(fails(whole.substr(0, whole.size() - 1) + "x"), "expected the end of the message");
}

TEST_CASE("archive: a unique pointer is there or not: one encoding for each") {
  std::string bytes{encode(std::make_unique<bool>(true)).text()};
  const auto mark = bytes.size() - 4;  // then a bool's code, the bool, and the end of the pointer
  REQUIRE(bytes[mark] == 1);
  bytes[mark] = 2;
  const auto changed = Buffer::copy_of(bytes);
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<std::unique_ptr<bool>>(changed.bytes()); }),
             "expected 0 for an empty std::unique_ptr, or 1, found 2");
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

TEST_CASE("archive: binary_data is as long as its elements, or an error") {
  alignas(double) Raw raw;
  std::strcpy(raw.text.data(), "hello world 123");
  CHECK(round_trip(raw).text == raw.text);
  raw.bytes = 12;
  const auto text = text_of<UsageError>([&] { (void)encode(raw); });
  CHECK_SAYS(text, "Raw: cereal::binary_data of 12 bytes");
  CHECK_SAYS(text, "elements of 8 bytes");
  CHECK(round_trip(Bytes{{'a', 'b', 'c'}}).text == std::array{'a', 'b', 'c'});
}

TEST_CASE("archive: a variant without a value is refused by the sender") {
  struct Thrower {
    Thrower() = default;
    Thrower(const Thrower&) { throw 1; }
  };
  std::variant<int, Thrower> variant{1};
  try {
    variant = Thrower{};
  } catch (int) {
  }
  REQUIRE(variant.valueless_by_exception());
  CHECK_SAYS(text_of<UsageError>([&] { (void)encode(variant); }), "has no value");
}

TEST_CASE("archive: what a class defers is sent where it stands, in what moves, too") {
  CHECK(encode(Deferring{1, 2}).text() == encode(std::pair<int, int>{2, 1}).text());
  check_round_trip(Deferring{1, 2});
  check_round_trip(std::vector<Deferring>{{1, 2}, {3, 4}, {5, 6}});
  check_round_trip(std::map<int, Deferring>{{1, {2, 3}}, {4, {5, 6}}});
  check_round_trip(std::unordered_map<int, std::list<Deferring>>{{1, {{2, 3}, {4, 5}}}});
  check_round_trip(std::vector<std::optional<Deferring>>{Deferring{1, 2}, {}, Deferring{3, 4}});
  check_round_trip(std::deque<std::variant<int, Deferring>>{1, Deferring{2, 3}});
  check_round_trip(std::queue<Deferring>{{{1, 2}, {3, 4}}});
}

TEST_CASE("archive: deferring makes no way around what is refused of pointers") {
  const auto ring = std::make_shared<DeferredRing>();
  ring->next = std::make_shared<DeferredRing>();
  CHECK(round_trip(ring)->next != nullptr);
  ring->next->next = ring;
  CHECK_SAYS(text_of<UsageError>([&] { (void)encode(ring); }), "make the way back a std::weak_ptr");
  ring->next->next.reset();
}

TEST_CASE("archive: a virtual base is there in each object, whatever its address") {
  check_round_trip(Diamond{1});
  check_round_trip(std::vector<Diamond>{Diamond{1}, Diamond{2}, Diamond{3}});
  check_round_trip(std::map<int, Diamond>{{1, Diamond{1}}, {2, Diamond{2}}});
  CHECK(round_trip(Twice{Diamond{1}}).diamond.number == 1);
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
  CHECK(text_bytes(encode(std::set<bool>{true})) ==
        std::string("\xf9\x70\x62\x01\0\0\0\0\0\0\0\x10\x01\x71", 14));
  CHECK(text_bytes(encode(std::chrono::duration<std::uint8_t>{5})) ==
        std::string("\xf9\x70\x61\x11"
                    "duration in 1/1 s\x20\x05\x71",
                    24));
  CHECK(text_bytes(encode(std::bitset<9>{0x101})) ==
        std::string("\xf9\x70\x61\x10"
                    "bitset of 9 bits\x50\x20\x02\0\0\0\0\0\0\0\x01\x01\x71",
                    33));
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
