#pragma once

#include <tuple>

#include "../unit/archive_types.hpp"

// What an input of fuzz_archive begins with: a byte that says as which of these the rest is
// decoded.

namespace fuzz {

/// Whose encoding is the only one: what decodes encodes to the same bytes again.
template <class T>
struct Exact {
  using Type = T;
};
/// Whose encoding is one of several (sets, ids), but is kept from then on.
template <class T>
struct Stable {
  using Type = T;
};
/// Whose order changes from one process, or one copy, to the next: only compared as values.
template <class T>
struct Unordered {
  using Type = T;
};

using Kinds = std::tuple<
    Exact<std::int32_t>, Exact<bool>, Exact<double>, Exact<std::string>, Exact<std::u16string>,
    Exact<std::vector<double>>, Exact<std::vector<std::byte>>, Exact<std::vector<bool>>,
    Exact<std::array<bool, 4>>, Exact<std::valarray<float>>, Exact<Point>,
    Exact<std::vector<Point>>, Exact<std::vector<std::vector<std::string>>>,
    Exact<std::deque<std::list<Point>>>, Exact<std::vector<Large>>, Exact<std::deque<Large>>,
    Exact<std::optional<std::string>>, Exact<std::tuple<bool, std::chrono::seconds, char>>,
    Exact<std::variant<std::monostate, std::int32_t, std::string, Point>>,
    Exact<std::complex<double>>, Stable<Task>, Stable<Tree>, Stable<Graph>,
    Stable<std::shared_ptr<Ring>>, Stable<std::map<std::int32_t, std::set<std::string>>>,
    Stable<std::multimap<std::int32_t, std::string>>, Stable<std::bitset<70>>,
    Unordered<std::unordered_map<std::string, std::vector<std::int32_t>>>,
    Unordered<std::unordered_set<std::int64_t>>, Exact<std::forward_list<std::int32_t>>,
    Exact<std::queue<std::string>>, Exact<std::stack<std::int16_t>>,
    Stable<std::priority_queue<std::int32_t, std::vector<std::int32_t>, std::greater<>>>,
    Stable<std::multiset<std::string>>, Unordered<std::unordered_multiset<std::int32_t>>,
    Unordered<std::unordered_multimap<std::int32_t, std::string>>, Exact<std::unique_ptr<Point>>,
    Exact<std::array<std::string, 3>>, Exact<std::vector<Deferring>>,
    Stable<std::map<std::int32_t, Diamond>>>;

inline constexpr std::size_t kinds = std::tuple_size_v<Kinds>;

}  // namespace fuzz
