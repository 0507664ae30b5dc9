#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"
#include "rankwire/text_file.hpp"
#include "start/configuration.hpp"

namespace rankwire {
namespace {

/// Room for some hundred lines; an option takes one. It also bounds the stack: toml++ destroys
/// nested keys (a.a.a.a = 1) recursively, and 32,000 of them would use all of 8 MiB.
constexpr std::size_t file_bytes_max = std::size_t{16} << 10;

std::string read_text(const std::string& path) {
  try {
    return read_text_file(path, file_bytes_max);
  } catch (const UsageError& error) {
    throw UsageError{
        fmt::format("--config: {}; name a TOML file that this user may read", error.what())};
  }
}

/// The advice for a line whose value may be a text without quotes. Empty for other lines.
std::string quotes_advice(const std::string& text, unsigned line_number) {
  std::istringstream lines{text};
  std::string line;
  for (unsigned i = 0; i < line_number; ++i) std::getline(lines, line);
  const std::size_t equals = line.find('=');
  if (equals == std::string::npos) return {};
  const std::string rest = line.substr(equals + 1, line.find('#', equals) - equals - 1);
  const std::size_t begin = rest.find_first_not_of(" \t");
  if (begin == std::string::npos || rest.find_first_of("\"'[{") != std::string::npos) return {};
  const std::string value = rest.substr(begin, rest.find_last_not_of(" \t\r") + 1 - begin);
  return fmt::format("; text stands in quotes: {}= \"{}\"", printable(line.substr(0, equals)),
                     printable(value));
}

FileEntry entry_of(const std::string& path, const toml::key& key, const toml::node& node) {
  FileEntry entry{std::string{key.str()}, {}, key.source().begin.line};
  if (const auto text = node.value_exact<std::string>()) {
    entry.value = *text;
  } else if (const auto whole = node.value_exact<std::int64_t>()) {
    entry.value = fmt::format("{}", *whole);
  } else if (const auto number = node.value_exact<double>()) {
    entry.value = fmt::format("{}", *number);
  } else if (const auto flag = node.value_exact<bool>()) {
    entry.value = *flag ? "true" : "false";
  } else {
    std::ostringstream type;
    type << node.type();
    throw UsageError{fmt::format(
        "file {} line {}: the value of '{}' is of type {}; a string, a number, true or false is "
        "accepted, and keys stand outside of [tables]",
        printable_path(path), entry.line, printable(entry.key), type.str())};
  }
  // A zero byte could come neither from the command line nor from a variable, and every error text
  // would end at it.
  if (entry.value.find('\0') != std::string::npos) {
    throw UsageError{fmt::format(
        "file {} line {}: the value of '{}' is '{}': a text with a zero in it is not accepted",
        printable_path(path), entry.line, printable(entry.key), printable(entry.value))};
  }
  return entry;
}

}  // namespace

std::vector<FileEntry> read_configuration_file(const std::string& path) {
  const std::string text = read_text(path);
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const auto& where = error.source().begin;
    throw UsageError{fmt::format("file {} line {} column {}: not TOML: {}{}", printable_path(path),
                                 where.line, where.column, printable(error.description()),
                                 quotes_advice(text, where.line))};
  }
  std::vector<FileEntry> entries;
  for (const auto& [key, node] : table) entries.push_back(entry_of(path, key, node));
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.line < b.line; });
  return entries;
}

}  // namespace rankwire
