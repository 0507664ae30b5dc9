#pragma once

#include <cereal/types/base_class.hpp>
#include <cereal/types/memory.hpp>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "rankwire/archive/format.hpp"

// Both archives check here whether a type can be sent or received, before they hand a value to
// cereal. If not, one line names the type and the reason; cereal would need two hundred.

namespace rankwire::archive {

/// Wrappers that cereal's archives handle themselves, without a function for them.
template <class T>
inline constexpr bool is_wrapper = false;
template <class T>
inline constexpr bool is_wrapper<cereal::base_class<T>> = true;
template <class T>
inline constexpr bool is_wrapper<cereal::virtual_base_class<T>> = true;
template <class T>
inline constexpr bool is_deferred = false;
template <class T>
inline constexpr bool is_deferred<cereal::DeferredData<T>> = true;
template <class T>
inline constexpr bool is_wrapper<cereal::DeferredData<T>> = true;

template <class T>
[[nodiscard]] cereal::base_class<T> as_base(const cereal::virtual_base_class<T>& base) {
  return {base.base_ptr};
}

/// The type that a smart pointer points to. For any other type, char.
template <class T>
struct Behind : std::type_identity<char> {};
template <class T, class D>
struct Behind<std::unique_ptr<T, D>> : std::type_identity<T> {};
template <class T>
struct Behind<std::shared_ptr<T>> : std::type_identity<T> {};
template <class T>
struct Behind<std::weak_ptr<T>> : std::type_identity<T> {};

/// A smart pointer whose object may be of another class than its type says.
template <class T>
inline constexpr bool is_polymorphic_pointer = std::is_polymorphic_v<typename Behind<T>::type>;
/// A smart pointer to an array or to void: it does not say how much is behind it.
template <class T>
inline constexpr bool is_array_pointer =
    std::is_array_v<typename Behind<T>::type> || std::is_void_v<typename Behind<T>::type>;

/// Whether decoding a T can make the objects that go into it.
template <class T, class Archive>
inline constexpr bool can_fill = true;
template <class T, class A, class Archive>
inline constexpr bool can_fill<std::vector<T, A>, Archive> = std::is_default_constructible_v<T>;
template <class T, class A, class Archive>
inline constexpr bool can_fill<std::deque<T, A>, Archive> = std::is_default_constructible_v<T>;
template <class T, class A, class Archive>
inline constexpr bool can_fill<std::list<T, A>, Archive> = std::is_default_constructible_v<T>;
template <class T, class A, class Archive>
inline constexpr bool can_fill<std::forward_list<T, A>, Archive> =
    std::is_default_constructible_v<T>;
template <class T, class Archive>
inline constexpr bool can_fill<std::optional<T>, Archive> = std::is_default_constructible_v<T>;
template <class... T, class Archive>
inline constexpr bool can_fill<std::variant<T...>, Archive> = (std::is_default_constructible_v<T> &&
                                                               ...);
template <class K, class... Rest, class Archive>
inline constexpr bool can_fill<std::set<K, Rest...>, Archive> = std::is_default_constructible_v<K>;
template <class K, class... Rest, class Archive>
inline constexpr bool can_fill<std::multiset<K, Rest...>, Archive> =
    std::is_default_constructible_v<K>;
template <class K, class... Rest, class Archive>
inline constexpr bool can_fill<std::unordered_set<K, Rest...>, Archive> =
    std::is_default_constructible_v<K>;
template <class K, class... Rest, class Archive>
inline constexpr bool can_fill<std::unordered_multiset<K, Rest...>, Archive> =
    std::is_default_constructible_v<K>;
template <class K, class V>
inline constexpr bool can_make_pair =
    std::is_default_constructible_v<K>&& std::is_default_constructible_v<V>;
template <class K, class V, class... Rest, class Archive>
inline constexpr bool can_fill<std::map<K, V, Rest...>, Archive> = can_make_pair<K, V>;
template <class K, class V, class... Rest, class Archive>
inline constexpr bool can_fill<std::multimap<K, V, Rest...>, Archive> = can_make_pair<K, V>;
template <class K, class V, class... Rest, class Archive>
inline constexpr bool can_fill<std::unordered_map<K, V, Rest...>, Archive> = can_make_pair<K, V>;
template <class K, class V, class... Rest, class Archive>
inline constexpr bool can_fill<std::unordered_multimap<K, V, Rest...>, Archive> =
    can_make_pair<K, V>;
template <class T, class Archive>
inline constexpr bool can_point_to =
    cereal::traits::is_default_constructible<std::remove_const_t<T>>::value ||
    cereal::traits::has_load_and_construct<std::remove_const_t<T>, Archive>::value;
template <class T, class D, class Archive>
inline constexpr bool can_fill<std::unique_ptr<T, D>, Archive> =
    std::is_polymorphic_v<T> || can_point_to<T, Archive>;
template <class T, class Archive>
inline constexpr bool can_fill<std::shared_ptr<T>, Archive> =
    std::is_polymorphic_v<T> || can_point_to<T, Archive>;

/// Whether a std::unique_ptr can be made without being given a deleter.
template <class T>
inline constexpr bool can_delete = true;
template <class T, class D>
inline constexpr bool can_delete<std::unique_ptr<T, D>> =
    std::is_default_constructible_v<D> && !std::is_pointer_v<D>;

template <class T>
inline constexpr bool can_move = std::is_move_constructible_v<T>;
/// libstdc++ says of every std::tuple that it can be moved, whatever is in it.
template <class... T>
inline constexpr bool can_move<std::tuple<T...>> = (can_move<T> && ...);

/// Types whose values mean nothing, or something else, to another process: pointers above all.
template <class T>
inline constexpr bool is_local =
    std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T> ||
    is_polymorphic_pointer<T> || is_array_pointer<T>;

/// Says why a T cannot be sent or received. The compiler names T in the line before.
template <class T>
constexpr void explain() {
  constexpr bool is_number = !std::is_class_v<T> && !std::is_union_v<T> && !std::is_enum_v<T> &&
                             !std::is_array_v<T> && !is_local<T>;
  static_assert(!std::is_pointer_v<T> && !std::is_member_pointer_v<T> && !std::is_null_pointer_v<T>,
                "rankwire cannot send this type T, a pointer: it means nothing to another process; "
                "send what it points to, in a std::vector, std::optional or std::unique_ptr");
  static_assert(!is_polymorphic_pointer<T>,
                "rankwire cannot send this type T, a smart pointer to a polymorphic class: the "
                "receiver would not know which class to make; send a std::variant of the classes");
  static_assert(!is_array_pointer<T>,
                "rankwire cannot send this type T, a smart pointer to an array or to void: nobody "
                "knows how much is behind it; send a std::vector or a std::array");
  static_assert(!is_number,
                "rankwire cannot send this type T: long double, wchar_t and integers of 128 bits "
                "differ between machines; send a double, char32_t, or two integers of 64 bits");
  static_assert(is_local<T> || is_number,
                "rankwire cannot send this type T, which has none or more than one of cereal's "
                "functions. A class of yours needs one member: template <class Archive> "
                "void serialize(Archive& archive) { archive(member, other_member); }. A class of a "
                "library may have a header of cereal's, <cereal/types/NAME.hpp>, or needs a free "
                "function serialize(archive, value) in its namespace. The README lists what can be "
                "sent");
}

/// The compiler also names the class whose serialize asked for this.
template <class T>
constexpr void explain_const() {
  static_assert(never<T>,
                "rankwire cannot receive into this T, which is const here. Where the lines around "
                "this one name CLASS::serialize, its serialize must not be const: leave that word "
                "out, since receiving fills the members. A member that is const itself cannot be "
                "received either");
}

template <class T>
constexpr void explain_filling() {
  static_assert(never<T>,
                "rankwire cannot receive this type T: decoding fills an element that is there "
                "already, so give the class of the elements a default constructor; an object "
                "behind a smart pointer may have cereal's load_and_construct instead");
}

template <class T>
constexpr void explain_deleter() {
  static_assert(never<T>,
                "rankwire cannot receive this type T, a std::unique_ptr that must be given its "
                "deleter: receive one without a deleter, or with a class that has a default "
                "constructor");
}

/// Checks the elements of a container that moves them while it is decoded.
template <class... Element>
[[nodiscard]] constexpr bool check_moving() {
  constexpr bool can_all = (can_move<Element> && ...);
  static_assert(can_all,
                "rankwire cannot receive a container of these elements, which cannot be moved into "
                "it: instead of a std::vector of them receive a std::deque or std::list, which are "
                "sent alike; a set or map is to have them behind std::unique_ptr");
  return can_all;
}

/// Checks the comparator or hash of a set or map. Only the elements travel: the receiver uses its
/// own comparator and hash objects.
template <class T>
constexpr void check_order() {
  constexpr bool is_empty = [] {
    if constexpr (requires { typename T::key_compare; }) {
      return std::is_empty_v<typename T::key_compare>;
    } else {
      return std::is_empty_v<typename T::hasher> && std::is_empty_v<typename T::key_equal>;
    }
  }();
  static_assert(
      is_empty,
      "rankwire cannot send this type T: how it compares or hashes is chosen at run time, "
      "and the receiver's would not know; give it a class without members for that, or "
      "send the elements in a std::vector");
}

template <class T, class Archive>
[[nodiscard]] constexpr bool check_sendable_part() {
  using Plain = std::remove_cvref_t<T>;
  if constexpr (is_wrapper<Plain>) {  // NOLINT(bugprone-branch-clone): in this order
    return true;
  } else if constexpr (is_local<Plain>) {  // NOLINT(bugprone-branch-clone)
    explain<Plain>();
    return false;
  } else if constexpr (std::is_empty_v<Plain>) {
    return true;
  } else if constexpr (!cereal::traits::is_output_serializable<Plain, Archive>::value) {
    explain<Plain>();
    return false;
  } else {
    return true;
  }
}

template <class T, class Archive>
[[nodiscard]] constexpr bool check_receivable_part() {
  using Part = std::remove_reference_t<T>;
  using Plain = std::remove_cv_t<Part>;
  if constexpr (is_wrapper<Plain>) {  // NOLINT(bugprone-branch-clone): in this order
    return true;
  } else if constexpr (is_local<Plain>) {  // NOLINT(bugprone-branch-clone)
    explain<Plain>();
    return false;
  } else if constexpr (std::is_empty_v<Plain>) {
    return true;
  } else if constexpr (!cereal::traits::is_input_serializable<Part, Archive>::value) {
    if constexpr (std::is_const_v<Part> &&
                  cereal::traits::is_input_serializable<Plain, Archive>::value) {
      explain_const<Plain>();
    } else {
      explain<Plain>();
    }
    return false;
  } else if constexpr (!can_delete<Plain>) {
    explain_deleter<Plain>();
    return false;
  } else if constexpr (!can_fill<Plain, Archive>) {
    explain_filling<Plain>();
    return false;
  } else {
    return true;
  }
}

}  // namespace rankwire::archive
