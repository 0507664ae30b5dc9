#include <deque>
#include <list>
#include <map>
#include <memory>
#include <queue>
#include <string>

#include "archive_round_trip.hpp"

// Objects that are pointed to, shared, or in several places: once each, and no way around.

using namespace rankwire;

namespace {

struct Both {
  std::shared_ptr<Point> whole;
  std::shared_ptr<std::int32_t> part;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(whole, part);
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

}  // namespace

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

TEST_CASE("archive: a unique pointer is there or not: one encoding for each") {
  std::string bytes{encode(std::make_unique<bool>(true)).text()};
  const auto mark = bytes.size() - 4;  // then a bool's code, the bool, and the end of the pointer
  REQUIRE(bytes[mark] == 1);
  bytes[mark] = 2;
  const auto changed = Buffer::copy_of(bytes);
  CHECK_SAYS(text_of<DecodeError>([&] { (void)decode<std::unique_ptr<bool>>(changed.bytes()); }),
             "expected 0 for an empty std::unique_ptr, or 1, found 2");
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
