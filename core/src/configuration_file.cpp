#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "configuration.hpp"
#include "rankwire/errors.hpp"

namespace rankwire {
namespace {

std::string read_text(const std::string& path) {
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  // Of an empty file nothing can be copied, which sets failbit; a directory sets badbit.
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || (text.str().empty() && errno != 0)) {
    throw UsageError{
        fmt::format("cannot read the configuration file '{}': {}; name a TOML file "
                    "that this user may read",
                    path, std::strerror(errno))};
  }
  return std::move(text).str();
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
        path, entry.line, entry.key, type.str())};
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
    throw UsageError{fmt::format("file {} line {} column {}: not TOML: {}", path, where.line,
                                 where.column, error.description())};
  }
  std::vector<FileEntry> entries;
  for (const auto& [key, node] : table) entries.push_back(entry_of(path, key, node));
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.line < b.line; });
  return entries;
}

}  // namespace rankwire
