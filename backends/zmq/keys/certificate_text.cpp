#include "keys/certificate_text.hpp"

#include <fmt/format.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "rankwire/errors.hpp"
#include "rankwire/printable.hpp"

namespace rankwire::zmq_wire {
namespace {

constexpr std::string_view letters_and_digits =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view z85_signs = ".-:+=^!/*?&<>()[]{}@%$#";
constexpr std::string_view name_signs = "$-_@.&+/";  // of ZPL's names
constexpr std::string_view blank = " \t\r";

bool consists_of(std::string_view text, std::string_view signs) {
  return text.find_first_not_of(std::string{letters_and_digits}.append(signs)) ==
         std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Reads one certificate.
class Parser {
 public:
  explicit Parser(const std::string& file) : file_{file} {}
  KeyPair read(std::string_view text);

 private:
  void read_line(std::string_view line);
  void read_key(std::string_view name, std::string_view value, std::string& key) const;
  [[nodiscard]] std::string_view unquoted(std::string_view value) const;
  [[noreturn]] void refuse(const std::string& what) const;

  const std::string& file_;
  int line_ = 0;
  std::string_view section_;
  KeyPair pair_;
};

void Parser::refuse(const std::string& what) const {
  throw UsageError{
      fmt::format("file {} line {}: {}; give a certificate as rankwire keygen makes it",
                  printable_path(file_), std::max(line_, 1), what)};
}

KeyPair Parser::read(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    ++line_;
    read_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (pair_.public_key.empty()) refuse("the file ends, and no public-key stood in a section curve");
  if (pair_.secret_key.empty()) return pair_;
  std::array<char, key_characters + 1> derived{};
  if (zmq_curve_public(derived.data(), pair_.secret_key.c_str()) != 0 ||
      pair_.public_key != derived.data()) {
    refuse("the file ends, and its public-key is not that of its secret-key");
  }
  return pair_;
}

/// Reads a line of ZPL: `name` or `name = value`. What belongs to a name stands below it, four
/// spaces to the right.
void Parser::read_line(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.empty() || text.front() == '#') return;
  const bool indented = line.front() == ' ' || line.front() == '\t';
  if (indented && section_ != "curve") return;  // other sections may contain anything
  const std::size_t equals = std::min(text.find('='), text.size());
  const std::string_view name = trimmed(text.substr(0, equals));
  if (name.empty() || !consists_of(name, name_signs)) {
    refuse("neither a comment, nor a section, nor a name = value");
  }
  if (!indented) {
    section_ = name;
    return;
  }
  const std::string_view value = equals < text.size() ? text.substr(equals + 1) : "";
  if (name == "public-key") read_key(name, value, pair_.public_key);
  if (name == "secret-key") read_key(name, value, pair_.secret_key);
}

void Parser::read_key(std::string_view name, std::string_view value, std::string& key) const {
  if (!key.empty()) refuse(fmt::format("a second {}", name));
  key = unquoted(trimmed(value));
  if (key.size() != key_characters) {
    refuse(fmt::format("the {} has {} characters, and {} are needed", name, key.size(),
                       key_characters));
  }
  if (!is_public_key(key)) {
    refuse(fmt::format("the {} is no Z85 text", name));
  }
}

/// Z85 has no quotes, but it has '#'. So '#' begins a comment only behind a closing quote.
std::string_view Parser::unquoted(std::string_view value) const {
  if (value.empty() || (value.front() != '"' && value.front() != '\'')) return value;
  const std::size_t closing = value.find(value.front(), 1);
  if (closing == std::string_view::npos) refuse("a quote is not closed");
  const std::string_view rest = trimmed(value.substr(closing + 1));
  if (!rest.empty() && rest.front() != '#') refuse("something stands behind the closing quote");
  return value.substr(1, closing - 1);
}

}  // namespace

bool is_public_key(const std::string& text) {
  std::array<std::uint8_t, key_bytes> bytes{};
  return text.size() == key_characters && consists_of(text, z85_signs) &&
         zmq_z85_decode(bytes.data(), text.c_str()) != nullptr;
}

std::string certificate_text(const std::string& name, const KeyPair& pair) {
  const bool secret = !pair.secret_key.empty();
  std::string text = fmt::format(
      "# {}, of {}: a CURVE certificate for ZeroMQ, made by rankwire.\n"
      "# {}\n\nmetadata\ncurve\n    public-key = \"{}\"\n",
      secret ? "SECRET KEY" : "Public key", name,
      secret ? "Whoever reads it can pass for its owner. Keep it on its host; NAME.key is to be "
               "copied."
             : "It may be given to everyone; what matters is that nobody changes it on its way.",
      pair.public_key);
  if (secret) text += fmt::format("    secret-key = \"{}\"\n", pair.secret_key);
  return text;
}

KeyPair parse_certificate(std::string_view text, const std::string& file) {
  return Parser{file}.read(text);
}

}  // namespace rankwire::zmq_wire
