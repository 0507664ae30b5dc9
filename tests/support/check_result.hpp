#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "process.hpp"

// What tests of whole programs check of a support::Result.

namespace support {

using Arguments = std::vector<std::string>;

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace support

/// Checks the exit code, and shows all output when it is another.
#define CHECK_CODE(result, expected) \
  CHECK_MESSAGE((result).code == (expected), "stdout:\n", (result).out, "\nstderr:\n", (result).err)
#define CHECK_HAS(text, part) \
  CHECK_MESSAGE(::support::has(text, part), "'", (part), "' is not in: ", (text))
