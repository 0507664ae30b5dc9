#pragma once

#include <charconv>
#include <string_view>

namespace conformance {

/// The N of `--ranks=N` on a test program's command line, else `otherwise`.
inline int ranks_option(int argc, char** argv, int otherwise) {
  constexpr std::string_view option = "--ranks=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument{argv[i]};
    if (!argument.starts_with(option)) continue;
    std::from_chars(argument.data() + option.size(), argument.data() + argument.size(), otherwise);
  }
  return otherwise;
}

}  // namespace conformance
