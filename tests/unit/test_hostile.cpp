// Damaged and hostile bytes: every decode gives a value or throws DecodeError, and allocates no
// more than the bytes justify.

#include <doctest/doctest.h>

#include <random>

#include "../support/count_new.hpp"
#include "archive_types.hpp"
#include "text_of.hpp"

using namespace rankwire;

namespace {

/// What a decode may allocate, in all, for `bytes` bytes of the types below.
constexpr std::size_t allowance(std::size_t bytes) {
  return 64 * bytes + std::size_t{64} * 1024;
}

/// Whether `bytes` decode as a T; any exception but DecodeError fails the test.
template <class T>
bool survives(std::span<const std::byte> bytes) {
  const std::size_t before = allocated_so_far().bytes;
  bool decoded = true;
  try {
    (void)decode<T>(bytes);
  } catch (const DecodeError&) {
    decoded = false;
  } catch (const std::exception& error) {
    FAIL("threw something else: " << error.what());
  }
  const std::size_t used = allocated_so_far().bytes - before;
  REQUIRE(used <= allowance(bytes.size()));
  return decoded;
}

/// Each byte changed in several ways, each length, and random damage; all as a T.
template <class T>
void attack(const T& value) {
  const auto encoded = encode(value);
  const std::vector<std::byte> good(encoded.bytes().begin(), encoded.bytes().end());
  REQUIRE(survives<T>(good));
  for (std::size_t length = 0; length < good.size(); ++length) {
    REQUIRE_FALSE(survives<T>(std::span{good}.first(length)));
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int with : {0, 1, 2, 0x20, 0x50, 0x51, 0x60, 0x70, 0x71, 0x7f, 0x80, 0xff}) {
      auto bad = good;
      bad[at] = static_cast<std::byte>(with);
      survives<T>(bad);
    }
  }
  std::mt19937 random{20240229};
  for (int i = 0; i < 4000; ++i) {
    auto bad = good;
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
      const auto at = static_cast<std::ptrdiff_t>(random() % bad.size());
      switch (random() % 4) {
        case 0:
          bad[static_cast<std::size_t>(at)] = static_cast<std::byte>(random());
          break;
        case 1:
          bad[static_cast<std::size_t>(at)] = good[random() % good.size()];
          break;
        case 2:
          bad.insert(bad.begin() + at, good[random() % good.size()]);
          break;
        default:
          if (bad.size() > 1) bad.erase(bad.begin() + at);
      }
    }
    survives<T>(bad);
  }
}

}  // namespace

TEST_CASE("hostile: a class of everything") {
  attack(example_task());
}

TEST_CASE("hostile: sequences") {
  attack(std::vector<std::vector<std::string>>{{"a", "b"}, {}, {"c"}});
  attack(std::deque<std::list<Point>>{{{1, 2}}, {{3, 4}, {5, 6}}});
  attack(std::vector<bool>{true, false, true});
  attack(std::vector<double>{1, 2, 3});
  attack(std::array<bool, 4>{true, false, true, true});
}

TEST_CASE("hostile: sets and maps") {
  attack(std::unordered_map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
  attack(std::unordered_set<std::int64_t>{1, 2, 3});
  attack(std::map<int, std::set<std::string>>{{1, {"a", "b"}}, {2, {}}});
}

TEST_CASE("hostile: pointers, also of two types that share ids") {
  Tree tree;
  tree.left = std::make_unique<Tree>();
  tree.left->right = std::make_unique<Tree>();
  attack(tree);
  Graph graph;
  graph.points = {std::make_shared<Point>(Point{1, 2})};
  graph.points.push_back(graph.points[0]);
  graph.names = {std::make_shared<std::string>("a"), nullptr};
  graph.names.push_back(graph.names[0]);
  attack(graph);
  auto ring = std::make_shared<Ring>();
  ring->next = std::make_shared<Ring>();
  attack(ring);
}

TEST_CASE("hostile: values that throw exceptions of their own") {
  attack(std::bitset<70>{5});
  attack(std::variant<int, std::string>{"a"});
  attack(std::tuple<std::optional<std::string>, std::chrono::seconds, bool>{"a", 5, true});
  attack(std::valarray<double>{1, 2, 3});
}

TEST_CASE("hostile: a shared object of another type is refused") {
  Graph graph;
  graph.points = {std::make_shared<Point>()};
  graph.names = {std::make_shared<std::string>()};
  graph.names.push_back(graph.names[0]);
  auto encoded = encode(graph);
  // The last pointer's id, before the ends of pointer, vector and class.
  auto& id = encoded.bytes()[encoded.size() - 3 - 4];
  REQUIRE(id == std::byte{2});
  id = std::byte{1};
  const auto text = text_of<DecodeError>([&] { (void)decode<Graph>(encoded.bytes()); });
  CHECK_SAYS(text, "another type");
}

TEST_CASE("hostile: an object within itself is refused") {
  std::string text("\xf9\x70\x22\x01\0\0\x80\x70\x70\x22\x01\0\0\0\x71\x71\x71", 17);
  const auto bytes = Buffer::copy_of(text);
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<std::shared_ptr<Ring>>(bytes.bytes()); }),
             "cycle");
}

TEST_CASE("hostile: sizes that nothing fills allocate nothing") {
  const auto claims = [](const char* head, std::size_t head_bytes) {
    return Buffer::copy_of(std::string{head, head_bytes} + std::string(6, '\xff') +
                           std::string(2, '\x0f'));
  };
  const auto size = claims("\xf9\x70\x60", 3);
  const auto array = claims("\xf9\x50\x41", 3);
  const auto string = claims("\xf9\x51\x11", 3);
  CHECK_FALSE(survives<std::vector<Point>>(size.bytes()));
  CHECK_FALSE(survives<std::vector<bool>>(size.bytes()));
  CHECK_FALSE(survives<std::unordered_set<int>>(size.bytes()));
  CHECK_FALSE(survives<std::valarray<double>>(array.bytes()));
  CHECK_FALSE(survives<std::vector<double>>(array.bytes()));
  CHECK_FALSE(survives<std::string>(string.bytes()));
}

TEST_CASE("hostile: what was found is told in few words, however much of it there is") {
  const auto bytes = Buffer::copy_of("\xf9" + std::string(std::size_t{1} << 20, '\x50'));
  const auto text = text_of<DecodeError>([&] { (void)decode<std::int32_t>(bytes.bytes()); });
  CHECK_SAYS(text, "found array of array;");
}

TEST_CASE("hostile: a size is at most what remains, all sizes at most what there is") {
  const auto fails = [](char outer, char inner, std::size_t filler) {
    auto text = std::string("\xf9\x70\x60", 3) + outer + std::string(7, '\0');
    text += std::string("\x70\x60", 2) + inner + std::string(7, '\0') + std::string(filler, '\0');
    const auto bytes = Buffer::copy_of(text);
    return text_of<DecodeError>(
        [&] { (void)decode<std::vector<std::vector<Point>>>(bytes.bytes()); });
  };
  CHECK_SAYS(fails(25, 15, 20), "at byte 21 of 41: expected begin of a class");  // believed
  CHECK_SAYS(fails(31, 0, 20), "at byte 11 of 41: 31 elements are claimed");
  CHECK_SAYS(fails(25, 20, 20), "at byte 21 of 41: 20 elements are claimed");
}

TEST_CASE("hostile: an id given twice is refused") {
  auto encoded = encode(std::pair{std::make_shared<bool>(), std::make_shared<bool>()});
  auto& second = encoded.bytes()[2 + 9 + 2];  // version, begin; a pointer; begin, code
  REQUIRE(second == std::byte{2});
  second = std::byte{1};
  const auto text = text_of<DecodeError>([&] {
    (void)decode<std::pair<std::shared_ptr<bool>, std::shared_ptr<bool>>>(encoded.bytes());
  });
  CHECK_SAYS(text, "object 1 comes where 2 is due");
}

TEST_CASE("hostile: a claimed element that is large in memory is not made before its bytes come") {
  std::string claim("\xf9\x70\x60\x00\x10\0\0\0\0\0\0", 11);
  claim += std::string(4096, '\0');
  const auto bytes = Buffer::copy_of(claim);
  CHECK_FALSE(survives<std::vector<Large>>(bytes.bytes()));
  CHECK_FALSE(survives<std::deque<Large>>(bytes.bytes()));
  CHECK_FALSE(survives<std::list<Large>>(bytes.bytes()));
}

TEST_CASE("archive: what a small class costs: nothing to encode, its members to decode") {
  const Point point{1, 2};
  const std::size_t before = allocated_so_far().times;
  const auto bytes = encode(point);
  const auto back = decode<Point>(bytes.bytes());
  CHECK(allocated_so_far().times == before);
  CHECK(back == point);
  const auto vector = encode(std::vector<double>(1000, 1.0));
  const std::size_t before_vector = allocated_so_far().times;
  const auto values = decode<std::vector<double>>(vector.bytes());
  CHECK(allocated_so_far().times == before_vector + 1);
  CHECK(values.size() == 1000);
}
