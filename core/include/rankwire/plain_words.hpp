#pragma once

#include <string>

namespace CLI {
class ParseError;
}

namespace rankwire {

/// CLI11's complaint about a command line, as a sentence that says which option, what is wrong and
/// what to do. The text of an error that the program's own options raised stays as it is, except
/// for characters that cannot be printed.
[[nodiscard]] std::string plain_words(const CLI::ParseError& error);

}  // namespace rankwire
