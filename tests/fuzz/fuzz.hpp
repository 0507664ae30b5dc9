#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

// What the fuzz targets share. Each target is one function, LLVMFuzzerTestOneInput; libFuzzer calls
// it with inputs that it invents, replay.cpp with files.

// NOLINTNEXTLINE(readability-identifier-naming): the name that libFuzzer wants.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace fuzz {

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(data), size};
}

/// A finding: ends the process, so that the fuzzer keeps the input.
[[noreturn]] inline void found(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

inline void require(bool holds, const char* what) {
  if (!holds) found(what);
}

}  // namespace fuzz
