#pragma once

#include <doctest/doctest.h>

#include "archive_types.hpp"
#include "text_of.hpp"

/// What arrives of `value`.
template <class T>
T round_trip(const T& value) {
  return rankwire::decode<T>(rankwire::encode(value).bytes());
}
template <class T>
void check_round_trip(const T& value) {
  CHECK(round_trip(value) == value);
}
