#pragma once

#include <bitset>
#include <chrono>
#include <queue>

#include "rankwire/archive/decoder.hpp"
#include "rankwire/archive/encoder.hpp"

// Functions for types of the standard library. They replace cereal's own, which let a container
// grow by what the bytes claim, reverse the order of equal elements, or do not say which unit or
// size a value has.

namespace rankwire::archive {

// Sequences grow as their elements are decoded. cereal would resize them by what the bytes claim.

template <class Sequence>
void load_elements(Decoder& decoder, Sequence& values) {
  values.clear();
  for (std::uint64_t left = decoder.get_size(); left > 0; --left) {
    decoder(values.emplace_back());
  }
}
template <class T, class A>
requires(!BlockElement<T>) void load(Decoder& decoder, std::vector<T, A>& values) {
  if constexpr (check_moving<T>()) load_elements(decoder, values);
}
template <class T, class A>
void load(Decoder& decoder, std::deque<T, A>& values) {
  load_elements(decoder, values);
}
template <class T, class A>
void load(Decoder& decoder, std::list<T, A>& values) {
  load_elements(decoder, values);
}
template <class T, class A>
void load(Decoder& decoder, std::forward_list<T, A>& values) {
  values.clear();
  auto last = values.before_begin();
  for (std::uint64_t left = decoder.get_size(); left > 0; --left) {
    last = values.emplace_after(last);
    decoder(*last);
  }
}

// Sets and maps. The code of the size says which of the four kinds it is. Equal elements keep their
// order.

template <Code kind, class Set>
void save_set(Encoder& encoder, const Set& values) {
  check_order<Set>();
  encoder.put_size(values.size(), kind);
  for (const auto& value : values) encoder(value);
}
template <Code kind, class Map>
void save_map(Encoder& encoder, const Map& values) {
  check_order<Map>();
  encoder.put_size(values.size(), kind);
  for (const auto& [key, value] : values) encoder(cereal::make_map_item(key, value));
}
/// Adds the last element behind its equals. In an ordered container these stand right before the
/// end. In a hash table an equal element goes right behind its hint.
template <class Container>
inline constexpr bool is_ordered = requires {
  typename Container::key_compare;
};
template <Code kind, class Container, class Last, class... Parts>
void add_last(Decoder& decoder, Container& values, Last& last, Parts&&... parts) {
  if constexpr (check_moving<Parts...>()) {
    const std::size_t before = values.size();
    last = values.emplace_hint(is_ordered<Container> ? values.end() : last,
                               std::forward<Parts>(parts)...);
    if (values.size() == before) decoder.fail("an element comes twice");
  }
}
template <Code kind, class Set>
void load_set(Decoder& decoder, Set& values) {
  check_order<Set>();
  values.clear();
  auto last = values.end();
  for (std::uint64_t left = decoder.get_size(kind); left > 0; --left) {
    typename Set::key_type key{};
    decoder(key);
    add_last<kind>(decoder, values, last, std::move(key));
  }
}
template <Code kind, class Map>
void load_map(Decoder& decoder, Map& values) {
  check_order<Map>();
  values.clear();
  auto last = values.end();
  for (std::uint64_t left = decoder.get_size(kind); left > 0; --left) {
    typename Map::key_type key{};
    typename Map::mapped_type value{};
    decoder(cereal::make_map_item(key, value));
    add_last<kind>(decoder, values, last, std::move(key), std::move(value));
  }
}
template <class K, class C, class A>
void save(Encoder& encoder, const std::set<K, C, A>& values) {
  save_set<Code::set_size>(encoder, values);
}
template <class K, class C, class A>
void load(Decoder& decoder, std::set<K, C, A>& values) {
  load_set<Code::set_size>(decoder, values);
}
template <class K, class H, class E, class A>
void save(Encoder& encoder, const std::unordered_set<K, H, E, A>& values) {
  save_set<Code::set_size>(encoder, values);
}
template <class K, class H, class E, class A>
void load(Decoder& decoder, std::unordered_set<K, H, E, A>& values) {
  load_set<Code::set_size>(decoder, values);
}
template <class K, class C, class A>
void save(Encoder& encoder, const std::multiset<K, C, A>& values) {
  save_set<Code::multiset_size>(encoder, values);
}
template <class K, class C, class A>
void load(Decoder& decoder, std::multiset<K, C, A>& values) {
  load_set<Code::multiset_size>(decoder, values);
}
template <class K, class H, class E, class A>
void save(Encoder& encoder, const std::unordered_multiset<K, H, E, A>& values) {
  save_set<Code::multiset_size>(encoder, values);
}
template <class K, class H, class E, class A>
void load(Decoder& decoder, std::unordered_multiset<K, H, E, A>& values) {
  load_set<Code::multiset_size>(decoder, values);
}
template <class K, class V, class C, class A>
void save(Encoder& encoder, const std::map<K, V, C, A>& values) {
  save_map<Code::map_size>(encoder, values);
}
template <class K, class V, class C, class A>
void load(Decoder& decoder, std::map<K, V, C, A>& values) {
  load_map<Code::map_size>(decoder, values);
}
template <class K, class V, class H, class E, class A>
void save(Encoder& encoder, const std::unordered_map<K, V, H, E, A>& values) {
  save_map<Code::map_size>(encoder, values);
}
template <class K, class V, class H, class E, class A>
void load(Decoder& decoder, std::unordered_map<K, V, H, E, A>& values) {
  load_map<Code::map_size>(decoder, values);
}
template <class K, class V, class C, class A>
void save(Encoder& encoder, const std::multimap<K, V, C, A>& values) {
  save_map<Code::multimap_size>(encoder, values);
}
template <class K, class V, class C, class A>
void load(Decoder& decoder, std::multimap<K, V, C, A>& values) {
  load_map<Code::multimap_size>(decoder, values);
}
template <class K, class V, class H, class E, class A>
void save(Encoder& encoder, const std::unordered_multimap<K, V, H, E, A>& values) {
  save_map<Code::multimap_size>(encoder, values);
}
template <class K, class V, class H, class E, class A>
void load(Decoder& decoder, std::unordered_multimap<K, V, H, E, A>& values) {
  load_map<Code::multimap_size>(decoder, values);
}

// A heap is sent as it lies in memory. If it were built again, its equal elements would change
// places.

/// Gives access to the protected members of a std::priority_queue.
template <class T, class C, class Less>
struct Heap : std::priority_queue<T, C, Less> {
  using Queue = std::priority_queue<T, C, Less>;
  static constexpr C Queue::*elements = &Heap::c;
  static constexpr Less Queue::*less = &Heap::comp;
};
template <class T, class C, class Less>
void save(Encoder& encoder, const std::priority_queue<T, C, Less>& queue) {
  using Parts = Heap<T, C, Less>;
  encoder(queue.*Parts::less, queue.*Parts::elements);
}
template <class T, class C, class Less>
void load(Decoder& decoder, std::priority_queue<T, C, Less>& queue) {
  using Parts = Heap<T, C, Less>;
  C& elements = queue.*Parts::elements;
  decoder(queue.*Parts::less, elements);
  if (!std::is_heap(elements.begin(), elements.end(), queue.*Parts::less)) {
    decoder.fail("the elements of a std::priority_queue are in the order of another comparator");
  }
}

// Types with a unit, a clock or a size that is not one of their fields.

template <class Period>
inline constexpr Label duration_label = [] {
  Label label;
  label << "duration in " << static_cast<std::uintmax_t>(Period::num) << "/"
        << static_cast<std::uintmax_t>(Period::den) << " s";
  return label;
}();
template <class R, class P>
void save(Encoder& encoder, const std::chrono::duration<R, P>& duration) {
  encoder.put_label(duration_label<typename P::type>.text());
  encoder(duration.count());
}
template <class R, class P>
void load(Decoder& decoder, std::chrono::duration<R, P>& duration) {
  decoder.expect_label(duration_label<typename P::type>.text());
  R count{};
  decoder(count);
  duration = std::chrono::duration<R, P>{count};
}

/// The name of T as the compiler writes it.
template <class T>
[[nodiscard]] constexpr std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("T = ") + 4);
  return name.substr(0, name.find_first_of(";]"));
}
template <class Clock>
inline constexpr Label time_point_label = [] {
  Label label;
  label << "time point of ";
  if constexpr (std::same_as<Clock, std::chrono::system_clock>) {
    label << "the system clock";
  } else if constexpr (std::same_as<Clock, std::chrono::steady_clock>) {
    label << "the steady clock";
  } else {
    label << type_name<Clock>();
  }
  return label;
}();
template <class C, class D>
void save(Encoder& encoder, const std::chrono::time_point<C, D>& time) {
  encoder.put_label(time_point_label<C>.text());
  encoder(time.time_since_epoch());
}
template <class C, class D>
void load(Decoder& decoder, std::chrono::time_point<C, D>& time) {
  decoder.expect_label(time_point_label<C>.text());
  D since_epoch{};
  decoder(since_epoch);
  time = std::chrono::time_point<C, D>{since_epoch};
}

template <std::size_t n>
inline constexpr Label bitset_label = [] {
  Label label;
  label << "bitset of " << std::uintmax_t{n} << " bits";
  return label;
}();
/// A bitset travels as a block of bytes. The first bit is the lowest bit of the first byte.
template <std::size_t n>
void save(Encoder& encoder, const std::bitset<n>& bits) {
  encoder.put_label(bitset_label<n>.text());
  std::array<std::uint8_t, (n + 7) / 8> bytes{};
  for (std::size_t i = 0; i < n; ++i) {
    if (bits[i]) bytes[i / 8] |= static_cast<std::uint8_t>(1U << i % 8);
  }
  encoder(bytes);
}
template <std::size_t n>
void load(Decoder& decoder, std::bitset<n>& bits) {
  decoder.expect_label(bitset_label<n>.text());
  std::array<std::uint8_t, (n + 7) / 8> bytes{};
  decoder(bytes);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    const bool is_set = (bytes[i / 8] >> i % 8 & 1U) != 0;
    if (i < n) {
      bits[i] = is_set;
    } else if (is_set) {
      decoder.fail("a bit is set behind the last of a bitset");
    }
  }
}

}  // namespace rankwire::archive
