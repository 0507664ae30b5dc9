#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "../support/check_result.hpp"
#include "../support/process.hpp"

// What the tests of whole programs share. The build says where the programs are: PRODUCT, WAITER,
// EXPECTED (the folder of golden outputs), and, where built, LAUNCHER and MPIEXEC.

namespace test_system {

using support::Arguments;
using support::Command;
using support::has;
using support::Process;
using support::Result;
using support::operator+;

/// For a program that forks: what its other threads hold counts as leaked in the forked process,
/// where AddressSanitizer looks for leaks.
inline const std::map<std::string, std::string> no_leak_check{{"ASAN_OPTIONS", "detect_leaks=0"}};

inline std::string golden(int ranks) {
  std::ifstream file{std::string{EXPECTED} + "/product-" + std::to_string(ranks) + ".txt"};
  REQUIRE(file.is_open());
  return {std::istreambuf_iterator<char>{file}, {}};
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
