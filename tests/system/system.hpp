#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "../support/process.hpp"

// What the tests of whole programs share. The build says where the programs are: PRODUCT, WAITER,
// EXPECTED (the folder of golden outputs), and, where built, LAUNCHER and MPIEXEC.

namespace test_system {

using support::Command;
using support::Process;
using support::Result;
using Arguments = std::vector<std::string>;

/// For a program that forks: what its other threads hold counts as leaked in the forked process,
/// where AddressSanitizer looks for leaks.
inline const std::map<std::string, std::string> no_leak_check{{"ASAN_OPTIONS", "detect_leaks=0"}};

inline Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline std::string golden(int ranks) {
  std::ifstream file{std::string{EXPECTED} + "/product-" + std::to_string(ranks) + ".txt"};
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>{file}, {}};
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What `product --format json` says of the workers 1 to 3.
inline std::string json_line(int worker) {
  static const std::vector<std::string> products{"3628800", "670442572800", "109027350432000"};
  std::string values;
  for (int i = 1; i <= 10; ++i)
    values += (i > 1 ? "," : "") + std::to_string((worker - 1) * 10 + i);
  return "{\"rank\":" + std::to_string(worker) + ",\"values\":[" + values + "],\"product\":\"" +
         products.at(static_cast<std::size_t>(worker - 1)) + "\"}\n";
}

}  // namespace test_system

/// Checks the exit code, and shows all output when it is another.
#define CHECK_CODE(result, expected) \
  CHECK_MESSAGE((result).code == (expected), "stdout:\n", (result).out, "\nstderr:\n", (result).err)
#define CHECK_HAS(text, part) \
  CHECK_MESSAGE(::test_system::has(text, part), "'", (part), "' is not in: ", (text))
