#include "rankwire/plain_words.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string_view>

#include "rankwire/printable.hpp"

namespace rankwire {
namespace {

/// The part of `text` between `before` and `after`. Empty if they do not stand there.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + before.size());
  return std::string{rest.substr(0, after.empty() ? rest.size() : rest.find(after))};
}

/// What to say instead of a value of -n that other habits have put there: CLI11 reads -np 4 as -n
/// with the value p, and -n=3 as -n with the value =3. Empty for other values.
std::string other_habit(const std::string& text) {
  const auto value = between(text, "--ranks: '", "'");
  if (value == "p") return "; mpiexec's -np N is -n N here";
  return value.size() > 1 && value.front() == '=' ? "; say -n " + value.substr(1) : "";
}

std::string sentence(const CLI::ParseError& error) {
  std::string text = error.what();
  if (text.starts_with(": ")) text.erase(0, 2);  // the option has no name in --help
  const std::string name = text.substr(0, text.find(": "));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    // "--ranks: 1 required N missing", "--ranks: At Most 1 required but received 2"
    if (const auto type = between(text, " required ", " missing"); text.ends_with(" missing")) {
      return fmt::format("{0}: its value is missing; say {0} {1}", name, type);
    }
    const auto most = between(text, ": At Most ", " required");
    const auto given = between(text, " received ", "");
    if (most == "1") {
      return fmt::format("{}: it is given {} times; leave all but one out", name, given);
    }
    if (!most.empty()) {
      return fmt::format("{}: {} values are given, and {} at most are accepted; leave some out",
                         name, given, most);
    }
  }
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr) {
    // "Could not convert: --tag-output = maybe", of a flag: others read their text themselves
    const auto flag = between(text, "Could not convert: ", " = ");
    if (!flag.empty()) {
      return fmt::format("{0}: '{1}' is not accepted: true and false are; {0} alone says true",
                         flag, between(text, " = ", ""));
    }
  }
  return text + other_habit(text);
}

}  // namespace

std::string plain_words(const CLI::ParseError& error) {
  return printable(sentence(error), SIZE_MAX);
}

}  // namespace rankwire
