#include "seeds.hpp"

#include <cstdio>

#include "archive_kinds.hpp"

// fuzz_seeds FOLDER: the inputs that the fuzzers start from, made by the encoders themselves, so
// that they never grow old.

namespace fuzz {
namespace {

template <class T, class Tuple>
struct IndexOf;
template <class T, class... Others>
struct IndexOf<T, std::tuple<Exact<T>, Others...>> : std::integral_constant<int, 0> {};
template <class T, class... Others>
struct IndexOf<T, std::tuple<Stable<T>, Others...>> : std::integral_constant<int, 0> {};
template <class T, class... Others>
struct IndexOf<T, std::tuple<Unordered<T>, Others...>> : std::integral_constant<int, 0> {};
template <class T, class First, class... Others>
struct IndexOf<T, std::tuple<First, Others...>>
    : std::integral_constant<int, 1 + IndexOf<T, std::tuple<Others...>>::value> {};

template <class T>
void add(Seeds& seeds, const T& value) {
  seeds.add(static_cast<char>(IndexOf<T, Kinds>::value) + text_of(rankwire::encode(value).bytes()));
}

void add_values(Seeds& seeds) {
  add(seeds, std::int32_t{-5});
  add(seeds, true);
  add(seeds, 1.5);
  add(seeds, std::string{"a text longer than any small string"});
  add(seeds, std::u16string{u"wide"});
  add(seeds, std::vector<double>{1.5, -2, 1e300});
  add(seeds, std::vector<std::byte>(20));
  add(seeds, std::vector<bool>{true, false, true});
  add(seeds, std::array<bool, 4>{true});
  add(seeds, std::valarray<float>{1, 2});
  add(seeds, std::bitset<70>{5});
  add(seeds, std::complex<double>{1, 2});
  add(seeds, std::optional<std::string>{"here"});
  add(seeds, std::optional<std::string>{});
  add(seeds, std::tuple<bool, std::chrono::seconds, char>{true, 5, 'c'});
  add(seeds, std::variant<std::monostate, std::int32_t, std::string, Point>{Point{1, 2}});
}

void add_containers(Seeds& seeds) {
  add(seeds, Point{1, 2});
  add(seeds, std::vector<Point>{{1, 2}, {3, 4}});
  add(seeds, std::vector<std::vector<std::string>>{{"a", "b"}, {}, {"c"}});
  add(seeds, std::deque<std::list<Point>>{{{1, 2}}, {}, {{3, 4}, {5, 6}}});
  add(seeds, std::vector<Large>(3));
  add(seeds, std::deque<Large>(3));
  add(seeds, example_task());
  add(seeds, std::map<std::int32_t, std::set<std::string>>{{1, {"a", "b"}}, {2, {}}});
  add(seeds, std::multimap<std::int32_t, std::string>{{1, "a"}, {1, "b"}});
  add(seeds, std::unordered_map<std::string, std::vector<std::int32_t>>{{"a", {1, 2}}, {"b", {}}});
  add(seeds, std::unordered_set<std::int64_t>{1, 2, 3});
}

void add_more_containers(Seeds& seeds) {
  add(seeds, std::forward_list<std::int32_t>{1, 2, 3});
  add(seeds, std::queue<std::string>{{"a", "b"}});
  add(seeds, std::stack<std::int16_t>{{1, 2}});
  std::priority_queue<std::int32_t, std::vector<std::int32_t>, std::greater<>> least_first;
  for (const std::int32_t value : {3, 1, 2}) least_first.push(value);
  add(seeds, least_first);
  add(seeds, std::multiset<std::string>{"a", "a", "b"});
  add(seeds, std::unordered_multiset<std::int32_t>{1, 1, 2});
  add(seeds, std::unordered_multimap<std::int32_t, std::string>{{1, "a"}, {1, "b"}});
  add(seeds, std::make_unique<Point>(Point{1, 2}));
  add(seeds, std::array<std::string, 3>{"a", "", "c"});
  add(seeds, std::vector<Deferring>{{1, 2}, {3, 4}});
  add(seeds, std::map<std::int32_t, Diamond>{{1, Diamond{2}}, {3, Diamond{4}}});
}

void add_pointers(Seeds& seeds) {
  Tree tree;
  tree.left = std::make_unique<Tree>();
  tree.left->right = std::make_unique<Tree>();
  add(seeds, tree);
  Graph graph;
  graph.points = {std::make_shared<Point>(Point{1, 2}), nullptr};
  graph.points.push_back(graph.points[0]);
  graph.names = {std::make_shared<std::string>("a")};
  graph.names.push_back(graph.names[0]);
  add(seeds, graph);
  auto ring = std::make_shared<Ring>();
  ring->next = std::make_shared<Ring>();
  add(seeds, ring);
}

void add_archive_seeds(Seeds seeds) {
  add_values(seeds);
  add_containers(seeds);
  add_more_containers(seeds);
  add_pointers(seeds);
}

}  // namespace
}  // namespace fuzz

int main(int argc, char** argv) try {
  if (argc != 2) throw std::runtime_error{"fuzz_seeds FOLDER: the folder is missing"};
  fuzz::add_archive_seeds({argv[1], "archive"});
#ifdef RANKWIRE_WITH_ZMQ
  fuzz::add_protocol_seeds({argv[1], "protocol"});
  fuzz::add_handshake_seeds({argv[1], "handshake"});
#endif
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
