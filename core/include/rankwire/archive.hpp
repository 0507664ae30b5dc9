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

// TYPED PAYLOADS, the specification. Programs need none of it: see typed.hpp.
//
// All numbers are little-endian and of fixed width. Every value says its type, so a receiver that
// asks for another type gets a DecodeError, not garbage. In the grammar, version, code, array,
// string, begin, end and 'size' are one byte each; archive/format.hpp has their values.
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
// Scalars. Integers are coded by their width: long is i64 or i32. char has a code of its own, since
// its sign differs between machines. An enum is coded as its underlying type; the receiver must
// check whether the value is one of the enum's.
//
// Blocks. A std::vector, std::array, C array or std::valarray of scalars is a block, and so is a
// std::span that is sent. Of std::byte, a vector, array or span is; a std::vector<bool> is not. A
// std::basic_string is a block of kind string, and so is a std::string_view that is sent.
//
// Nests. All other classes are nests, as their cereal functions say. The containers included above
// need no further header; for others include cereal/types/X.hpp. A std::vector, std::deque,
// std::list and std::set of one class are written alike.
//
// Shared pointers. A shared pointer is a u32 id. Objects have the ids 1, 2, ... in the order of
// their first appearance. There the highest bit of the id is set, and the object follows. Null is
// 0. The decoder refuses a pointer to an object that encloses it: such a cycle would never be
// freed. Pointers to polymorphic classes are not supported. What cereal::defer is given is written
// where it stands. A virtual base is written for each cereal::virtual_base_class that names it.
//
// HOSTILE BYTES. Decoding any bytes gives a value or throws DecodeError.
// - Every element takes at least one byte. Before anything is allocated, a size is refused if it is
//   above the bytes that remain, or if the sum of all sizes would exceed the payload. Blocks are
//   checked exactly.
// - std::vector, std::deque and std::list grow as their elements are decoded. So decoding allocates
//   no more than a few times the memory of the elements that are really there, plus 8 bytes for
//   each claimed element of an unordered container. Two things are not guarded: a class whose
//   instances are large in memory and tiny on the wire multiplies the bytes; and a class's own load
//   function may resize by a number that it has read. Read sizes through cereal::make_size_tag.
// - More than depth_max nested classes are refused, by the encoder too.

CEREAL_SETUP_ARCHIVE_TRAITS(rankwire::archive::Decoder, rankwire::archive::Encoder)
