#pragma once

#include <cereal/types/array.hpp>
#include <cereal/types/atomic.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/queue.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/stack.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/valarray.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "rankwire/archive/decoder.hpp"
#include "rankwire/archive/encoder.hpp"
#include "rankwire/archive/standard.hpp"

// TYPED PAYLOADS, the specification. A program needs none of it: see typed.hpp.
//
// All numbers are little-endian and of fixed width. Every value says what it is, so that a receiver
// that asks for another type gets a DecodeError, not garbage. One letter is one byte; the codes are
// in archive/format.hpp.
//
//   payload  = version value                     nothing may follow
//   value    = scalar | block | nest
//   scalar   = code bytes                        code says kind and width: u8..u64, i8..i64, f32,
//                                                f64, bool (0 or 1), char
//   block    = (array | string) code count bytes code of the elements, u64 count, then the elements
//                                                as they lie in memory
//   nest     = begin (value | size)* end         a class or container: its fields or elements
//   size     = 'size' u64                        of a container: before its elements
//
// Scalars: integers by their width (long is i64 or i32), char by a code of its own since its sign
// differs between machines, an enum as its underlying type. What an enum may hold beyond that is
// for the receiver to check.
// Blocks: std::vector, std::array, C arrays, std::valarray, and when sending std::span, of scalars
// (of std::byte: vector, array, span; std::vector<bool> excepted); std::basic_string is a string,
// and when sending std::string_view. Nests: all other classes, as their cereal functions say. Those
// of the containers included above need no further header; for others include cereal/types/X.hpp.
// std::vector, std::deque, std::list and std::set of one class are written alike. Shared pointers:
// a u32 id; objects have the ids 1, 2, ... in the order of their first appearance, where the id has
// its highest bit set and the object follows. Null is 0. A pointer to an object that encloses it is
// refused by the decoder: a cycle would never be freed. Pointers to polymorphic classes are not
// supported. What cereal::defer is given is written where it stands, and a virtual base by each
// cereal::virtual_base_class that names it.
//
// HOSTILE BYTES. Decoding any bytes gives a value or throws DecodeError.
// - Every element takes at least one byte. A size above the bytes that remain, or one that makes
//   the sum of all sizes exceed the payload, is refused before anything is allocated; blocks are
//   checked exactly.
// - std::vector, std::deque and std::list grow as elements are decoded. So a decode allocates no
//   more than a few times what the elements that are really there take in memory (plus 8 bytes for
//   each claimed element of an unordered container). A class of which an instance is large in
//   memory and tiny on the wire multiplies; a user's own load that resizes by a number it has read
//   is not guarded: read sizes through cereal::make_size_tag.
// - More than depth_max nested classes are refused, by the encoder too.

CEREAL_SETUP_ARCHIVE_TRAITS(rankwire::archive::Decoder, rankwire::archive::Encoder)
