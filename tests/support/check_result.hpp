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
// `result` is often a call that runs a program: it is evaluated once.
#define CHECK_CODE(result, expected)                                                               \
  do {                                                                                             \
    const auto& result_of_run = (result);                                                          \
    CHECK_MESSAGE(result_of_run.code == (expected), "stdout:\n", result_of_run.out, "\nstderr:\n", \
                  result_of_run.err);                                                              \
  } while (false)
#define CHECK_HAS(text, part) \
  CHECK_MESSAGE(::support::has(text, part), "'", (part), "' is not in: ", (text))
