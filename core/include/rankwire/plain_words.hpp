#pragma once

#include <string>

namespace CLI {
class ParseError;
}

namespace rankwire {

/// What CLI11 has found wrong with a command line, as a sentence that says which option, what is
/// wrong, and what to do; what a program's own options have refused stays as it is, but for what
/// cannot be printed.
[[nodiscard]] std::string plain_words(const CLI::ParseError& error);

}  // namespace rankwire
