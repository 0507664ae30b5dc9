#pragma once

#include <string>

#include "system.hpp"

namespace test_system {

/// A program under `rankwire launch`, with `options` of the launcher.
inline Arguments launch(int ranks, const Arguments& program, const Arguments& options = {}) {
  return Arguments{LAUNCHER, "launch", "-n", std::to_string(ranks)} + options + Arguments{"--"} +
         program;
}

inline Result run(const Arguments& arguments) {
  return support::run({arguments});
}

}  // namespace test_system
